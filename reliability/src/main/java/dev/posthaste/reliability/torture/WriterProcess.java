package dev.posthaste.reliability.torture;

import dev.posthaste.DuplicateEventException;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.sql.DataSource;

/**
 * The application: changes aggregates and writes their events, with roll-backs, and writes again with the same ids if
 * it does not know whether a commit succeeded. Its history records before what it will try, and afterwards what it
 * knows.
 */
final class WriterProcess {
    private static final int THREADS = 3;
    private static final long MAX_BEHIND = 3_000;
    private static final String STEPS = "set session auto_increment_increment = 7";
    private static final int MAX_HEADER_BYTES = 300_000;
    private static final long CHECK_NANOS = 500_000_000L;

    private final Setup setup;
    private final String name;
    private final DataSource dataSource;
    private final JdbcOutbox outbox;
    private final History history;
    private final double[] zipf = zipf();
    private volatile boolean farAhead;

    private WriterProcess(Setup setup, String name) throws IOException {
        this.setup = setup;
        this.name = name;
        this.dataSource = setup.pool(THREADS + 1, name.startsWith(Testbed.STEPPING_WRITER) ? STEPS : null);
        this.outbox = JdbcOutbox.of(setup.catalog()).maxHeaderBytes(MAX_HEADER_BYTES);
        this.history = History.open(setup.home().resolve(name + ".history"));
    }

    public static void main(String[] arguments) throws Exception {
        WriterProcess writer = new WriterProcess(Setup.of(arguments), arguments[6]);
        for (int i = 0; i < THREADS; i++) {
            int thread = i;
            new Thread(() -> writer.writeForEver(thread), "writer-" + i).start();
        }
        new Thread(writer::lookAhead, "look-ahead").start();
    }

    private void writeForEver(int thread) {
        Random random = new Random(setup.seed() ^ name.hashCode() ^ thread);
        for (long number = 0; ; number++) {
            try {
                while (farAhead) {
                    Thread.sleep(50);
                }
                write(random, Content.transaction(name + "-" + thread, number));
            } catch (InterruptedException e) {
                return;
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }

    /** Checks whether writers are so far ahead of the handlers that recovery would only measure the backlog. */
    private void lookAhead() {
        while (true) {
            try (Connection connection = dataSource.getConnection();
                    Statement statement = connection.createStatement()) {
                farAhead = first(statement, "select id from orders order by id desc limit 1")
                                - first(statement, "select row_id from effects order by id desc limit 1")
                        > MAX_BEHIND;
            } catch (SQLException e) {
                // the next check may succeed
            }
            java.util.concurrent.locks.LockSupport.parkNanos(CHECK_NANOS);
        }
    }

    private static long first(Statement statement, String sql) throws SQLException {
        try (ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() ? rows.getLong(1) : 0;
        }
    }

    private void write(Random random, String transaction) throws IOException, InterruptedException {
        int number = 1 + random.nextInt(20);
        TreeMap<Integer, Integer> wanted = new TreeMap<>();
        for (int i = 0; i < number; i++) {
            wanted.merge(key(random), 1, Integer::sum);
        }
        boolean rollingBack = random.nextInt(10) == 0;
        long padding = random.nextLong();
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < number; i++) {
            ids.add(transaction + "-" + i);
        }
        history.attempted(transaction, number);
        for (int attempt = 0; ; attempt++) {
            Fate fate = attempt(transaction, wanted, rollingBack, ids, padding);
            if (fate != Fate.UNKNOWN || attempt == 20) {
                history.ended(transaction, fate);
                return;
            }
            Thread.sleep(100L + random.nextInt(400));
        }
    }

    /** What a writer knows about its own transaction. */
    enum Fate {
        COMMITTED,
        ROLLED_BACK,
        UNKNOWN
    }

    private Fate attempt(
            String transaction, Map<Integer, Integer> wanted, boolean rollingBack, List<String> ids, long padding)
            throws IOException {
        try (Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(false);
            try {
                setup.table().claim(connection, transaction);
                Map<Integer, Long> versions = change(connection, wanted);
                List<Event> events = new ArrayList<>();
                for (Map.Entry<Integer, Integer> each : wanted.entrySet()) {
                    long before = Objects.requireNonNull(versions.get(each.getKey()));
                    for (int i = 1; i <= each.getValue(); i++) {
                        events.add(Content.event(
                                setup.table(),
                                ids.get(events.size()),
                                each.getKey(),
                                before + i,
                                padding,
                                setup.wire().oddDestination()));
                    }
                }
                outbox.write(connection, events);
            } catch (DuplicateEventException e) {
                connection.rollback();
                return Fate.COMMITTED; // by an attempt that did not learn of it
            } catch (SQLException e) {
                history.failed(transaction, e);
                rollBack(connection);
                return Fate.UNKNOWN;
            }
            if (rollingBack) {
                connection.rollback();
                return Fate.ROLLED_BACK;
            }
            connection.commit();
            return Fate.COMMITTED;
        } catch (SQLException e) {
            history.failed(transaction, e);
            return rollingBack ? Fate.ROLLED_BACK : Fate.UNKNOWN;
        }
    }

    private static void rollBack(Connection connection) {
        try {
            connection.rollback();
        } catch (SQLException e) {
            // the connection is gone, and with it everything uncommitted
        }
    }

    /** Locks the aggregates, in the order of their ids, before their events are written: so rows follow versions. */
    private Map<Integer, Long> change(Connection connection, Map<Integer, Integer> by) throws SQLException {
        Map<Integer, Long> versions = new HashMap<>();
        String ids = by.keySet().stream().map(String::valueOf).collect(Collectors.joining(", ", " in (", ")"));
        String steps = by.entrySet().stream()
                .map(each -> " when " + each.getKey() + " then " + each.getValue())
                .collect(Collectors.joining("", "case id", " end"));
        try (Statement statement = connection.createStatement()) {
            String update = "update aggregates set version = version + " + steps + " where id" + ids;
            if (setup.isSqlite()) { // its transactions have to begin with a statement that writes
                statement.executeUpdate(update);
                try (ResultSet rows = statement.executeQuery("select id, version from aggregates where id" + ids)) {
                    while (rows.next()) {
                        int id = rows.getInt(1);
                        versions.put(id, rows.getLong(2) - Objects.requireNonNull(by.get(id)));
                    }
                }
                return versions;
            }
            try (ResultSet rows = statement.executeQuery(
                    "select id, version from aggregates where id" + ids + " order by id for update")) {
                while (rows.next()) {
                    versions.put(rows.getInt(1), rows.getLong(2));
                }
            }
            statement.executeUpdate(update);
        }
        return versions;
    }

    /** The sum of the shares of all keys up to each: the n-th key has a share of 1/n. */
    private static double[] zipf() {
        double[] sums = new double[Setup.KEYS];
        double sum = 0;
        for (int i = 0; i < sums.length; i++) {
            sum += 1.0 / (i + 1);
            sums[i] = sum;
        }
        return sums;
    }

    private int key(Random random) {
        int found = Arrays.binarySearch(zipf, random.nextDouble() * zipf[zipf.length - 1]);
        return found < 0 ? -found - 1 : found;
    }
}
