package dev.posthaste.benchmarks;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import javax.sql.DataSource;

/**
 * The limit: the relay's own fetch and settle statements in a loop, one after the other, in batches as large as the
 * relay's. No lease, key gate, ordering or broker.
 */
final class ByHand {
    private static final int BATCH = 1_000;

    private ByHand() {}

    /** Drains the outbox; returns the seconds it took. */
    static double drain(Backlog backlog, DataSource pool, int events) throws SQLException {
        long start = System.nanoTime();
        int drained = 0;
        try (Connection connection = pool.getConnection()) {
            connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            long last = 0;
            List<Long> ids;
            do {
                ids = fetch(connection, backlog, last);
                if (!ids.isEmpty()) {
                    drained += settle(connection, backlog, ids);
                    last = ids.get(ids.size() - 1);
                }
            } while (!ids.isEmpty());
        }
        if (drained != events) {
            throw new IllegalStateException("Drained " + drained + " of " + events + " events by hand");
        }
        return (System.nanoTime() - start) / 1e9;
    }

    private static List<Long> fetch(Connection connection, Backlog backlog, long last) throws SQLException {
        List<Long> ids = new ArrayList<>(BATCH);
        connection.setAutoCommit(true);
        try (PreparedStatement statement = connection.prepareStatement(backlog.reads.fetchStatement())) {
            statement.setLong(1, last);
            statement.setInt(2, BATCH);
            try (ResultSet rows = statement.executeQuery()) {
                int columns = rows.getMetaData().getColumnCount();
                while (rows.next()) {
                    ids.add(rows.getLong(1));
                    for (int column = 2; column <= columns; column++) {
                        rows.getObject(column);
                    }
                }
            }
        }
        return ids;
    }

    private static int settle(Connection connection, Backlog backlog, List<Long> ids) throws SQLException {
        connection.setAutoCommit(false);
        int settled;
        try (PreparedStatement statement = prepare(connection, backlog, ids)) {
            settled = statement.executeUpdate();
        }
        connection.commit();
        return settled;
    }

    private static PreparedStatement prepare(Connection connection, Backlog backlog, List<Long> ids)
            throws SQLException {
        String template = backlog.verdicts.publishedStatement();
        if (backlog.dialect == dev.posthaste.internal.jdbc.Dialect.POSTGRESQL) {
            PreparedStatement statement = connection.prepareStatement(template.formatted("= any(?)"));
            statement.setArray(1, connection.createArrayOf("bigint", ids.toArray()));
            return statement;
        }
        return connection.prepareStatement(
                template.formatted(ids.stream().map(String::valueOf).collect(Collectors.joining(",", "in (", ")"))));
    }
}
