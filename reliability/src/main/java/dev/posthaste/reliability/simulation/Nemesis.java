package dev.posthaste.reliability.simulation;

import java.sql.SQLException;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * What goes wrong where a node waits for the database: it loses its connection, before a commit or after it; it is the
 * victim of a deadlock; it stands still, or others go first; it dies.
 */
final class Nemesis implements Jdbc.Faults {
    private static final String MARK = "the nemesis";
    /** After so long the server ends a transaction whose client says nothing, as transactions of ours ask it to. */
    private static final long SILENCE = 5_000_000_000L;

    private final Schedule schedule;
    private final Random random;
    private final Consumer<Node> kill;
    private final long longestPause;
    private final Node server = new Node(Node.Role.OPERATOR, "server", 0);
    private double failing;
    private int faults;

    /** @param kill ends a node and sees to it that another takes its place */
    Nemesis(Schedule schedule, Random random, long longestPause, Consumer<Node> kill) {
        this.schedule = schedule;
        this.random = random;
        this.longestPause = longestPause;
        this.kill = kill;
    }

    /** @param share of the points where a node waits at which something goes wrong */
    void failing(double share) {
        failing = share;
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
        if (node.role != Node.Role.OPERATOR && random.nextDouble() < failing / 2) {
            faults++;
            if (random.nextBoolean()) {
                LockSupport.unpark(Thread.currentThread()); // who tries again waits a moment, and that is over at once
                throw new SQLException("deadlock, by " + MARK, "40P01");
            }
            throw new SQLException("connection lost, by " + MARK, "08006");
        }
    }

    @Override
    public void beforeCommit(Node node) throws SQLException {
        waitFor(node);
        lose(node, failing, "connection lost at commit, by ");
    }

    @Override
    public void afterCommit(Node node) throws SQLException {
        node.requireAlive();
        lose(node, failing, "the answer to a commit was lost, by ");
        waitFor(node);
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

    /** The node stands still where it is. */
    private void standStill(Node node, long nanos) {
        for (Jdbc.Session session : node.endingWhenSilent()) {
            long begun = session.progress();
            schedule.in(SILENCE, server, new Object(), () -> {
                if (session.progress() == begun) {
                    session.abort();
                }
            });
        }
        schedule.standStill(node, nanos);
    }
}
