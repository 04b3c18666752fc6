package dev.posthaste.examples.eventbus;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** Writes messages to conversations and advances tasks, and now and then rolls back. Thread-safe. */
final class Writer {
    private static final double ROLLED_BACK = 0.1;
    private static final int STEPS_IN = 4;
    private static final int MAX_FAILURES = 20;

    private final EventBus bus;
    private final List<String> names;

    /** @param names of conversations, and of tasks */
    Writer(EventBus bus, List<String> names) {
        this.bus = bus;
        this.names = names;
    }

    /** The changes of one transaction. */
    private interface Change {
        void make(Connection connection) throws SQLException;
    }

    /** Creates the conversations and tasks that do not exist yet. */
    void open() throws SQLException {
        for (String table : List.of("conversation", "task")) {
            List<String> there = bus.tables().query("select id from " + table, row -> row.getString(1));
            for (String name : names) {
                if (!there.contains(name)) {
                    change(
                            connection -> {
                                if (table.equals("task")) {
                                    TaskService.open(connection, name);
                                } else {
                                    AgentService.open(connection, name);
                                }
                            },
                            true);
                }
            }
        }
    }

    /** Writes one event, and perhaps one before it that is rolled back; every fourth is a task's. */
    void write(int number) throws SQLException {
        String name = names.get(ThreadLocalRandom.current().nextInt(names.size()));
        Change change = number % STEPS_IN == 0
                ? connection -> bus.task().advance(connection, name)
                : connection -> bus.agent().say(connection, name, "message " + number);
        if (ThreadLocalRandom.current().nextDouble() < ROLLED_BACK) {
            change(change, false);
        }
        change(change, true);
    }

    /** Retries what the database refused; a COMMIT is never repeated, because it may have succeeded. */
    private void change(Change change, boolean commit) throws SQLException {
        for (int failures = 0; ; ) {
            try (Connection connection = bus.dataSource().getConnection()) {
                connection.setAutoCommit(false);
                try {
                    change.make(connection);
                } catch (SQLException e) {
                    connection.rollback();
                    if (++failures == MAX_FAILURES) {
                        throw e;
                    }
                    continue;
                }
                if (commit) {
                    connection.commit();
                } else {
                    connection.rollback();
                }
                return;
            }
        }
    }
}
