package dev.posthaste.reliability.simulation;

import java.sql.SQLException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Faults where a node waits for the database: it loses its connection, before or after a commit; it is the victim of a
 * deadlock; it is paused, or others run first; it dies.
 */
final class Nemesis implements Jdbc.Faults {
    /** Values up to this size are returned with their rows. */
    private static final int SMALL = 16 * 1024;

    static final String MARK = "the nemesis";
    private final Schedule schedule;
    private final Random random;
    private final Consumer<Node> kill;
    private final ObjLongConsumer<Node> sizes;
    private final long longestPause;
    private final Node server = new Node(Node.Role.OPERATOR, "server", 0);
    private double failing;
    private int faults;
    private long readOnlyUntil;
    /** The node whose next statement is the victim of a deadlock. */
    private @Nullable Node victim;

    /**
     * @param kill kills a node and has another one take its place
     * @param sizes receives the number of bytes of large values in a response of the database
     */
    Nemesis(Schedule schedule, Random random, long longestPause, Consumer<Node> kill, ObjLongConsumer<Node> sizes) {
        this.sizes = sizes;
        this.schedule = schedule;
        this.random = random;
        this.longestPause = longestPause;
        this.kill = kill;
    }

    /** @param share of the points where a node waits at which a fault happens */
    void failing(double share) {
        failing = share;
    }

    /** The consumers' database accepts no changes for a while. */
    void makeReadOnly(long nanos) {
        readOnlyUntil = schedule.now() + nanos;
    }

    /** The node's next statement is the victim of a deadlock. */
    void deadlock(Node node) {
        victim = node;
    }

    void heal() {
        failing = 0;
        readOnlyUntil = 0;
        victim = null;
    }

    int faults() {
        return faults;
    }

    static boolean isTheCauseOf(SQLException e) {
        return String.valueOf(e.getMessage()).contains(MARK) || "08003".equals(e.getSQLState());
    }

    @Override
    public void beforeStatement(Node node) throws SQLException {
        waitFor(node);
        if (node.role == Node.Role.CONSUMER && readOnlyUntil > schedule.now()) {
            throw new SQLException("read-only, by " + MARK, "25006");
        }
        if (victim == node) {
            victim = null;
            faults++;
            throw deadlock();
        }
        if (node.role != Node.Role.OPERATOR && random.nextDouble() < failing / 2) {
            faults++;
            if (random.nextBoolean()) {
                throw deadlock();
            }
            throw new SQLException("connection lost, by " + MARK, "08006");
        }
    }

    private static SQLException deadlock() {
        LockSupport.unpark(Thread.currentThread()); // a retry parks for a moment first; this ends it immediately
        return new SQLException("deadlock, by " + MARK, "40P01");
    }

    @Override
    public void beforeCommit(Node node) throws SQLException {
        waitFor(node);
        lose(node, failing, "connection lost at commit, by ");
    }

    @Override
    public void holdingGaps(Node node) {
        if (failing > 0 && random.nextBoolean()) {
            faults++;
            standStill(node, random.nextLong(longestPause));
            node.requireAlive();
        }
    }

    @Override
    public void afterCommit(Node node) throws SQLException {
        node.requireAlive();
        lose(node, failing, "the answer to a commit was lost, by ");
        waitFor(node);
    }

    @Override
    public void answered(Node node, List<@Nullable Object[]> rows) {
        long large = 0;
        for (@Nullable Object[] row : rows) {
            for (Object value : row) {
                large += value instanceof String text && text.length() > SMALL ? text.length() - SMALL : 0;
            }
        }
        if (large > 0) {
            sizes.accept(node, large);
        }
    }

    private void lose(Node node, double share, String what) throws SQLException {
        if (node.role != Node.Role.OPERATOR && random.nextDouble() < share) {
            faults++;
            throw new SQLException(what + MARK, "08006");
        }
    }

    private void waitFor(Node node) {
        node.requireAlive();
        schedule.pass(random.nextInt(150_000));
        if (node.role == Node.Role.OPERATOR) {
            return;
        }
        double draw = random.nextDouble();
        if (draw < failing / 8) {
            faults++;
            kill.accept(node);
        } else if (draw < failing / 4) {
            faults++;
            standStill(node, random.nextLong(longestPause));
        } else if (draw < failing * 2) {
            schedule.letOthersGo(1 + random.nextInt(6));
        }
        node.requireAlive();
    }

    /** The node is paused where it is. */
    private void standStill(Node node, long nanos) {
        watchSilence(node);
        schedule.standStill(node, nanos);
    }

    /** The server ends the sessions that set a limit, if they are silent from now on. */
    void watchSilence(Node node) {
        for (Session session : node.sessions()) {
            long limit = session.endsAfter();
            long begun = session.progress();
            if (limit > 0) {
                schedule.in(limit, server, new Object(), () -> {
                    if (session.progress() == begun) {
                        session.abort();
                    }
                });
            }
        }
    }
}
