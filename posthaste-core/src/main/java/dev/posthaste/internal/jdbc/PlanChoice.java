package dev.posthaste.internal.jdbc;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/**
 * Which index leads to pending rows in a table that has none of Posthaste's: the database finds a few by an index on
 * the status, but would sort all of many, which the primary key has in order. Checked at most once a second.
 * Thread-safe.
 */
final class PlanChoice {
    private static final int MANY = 5_000;
    private static final long LOOK_NANOS = 1_000_000_000L;

    private final RowSql sql;
    private final boolean chooses;
    private volatile @Nullable PendingCount pendingCount;

    private record PendingCount(boolean many, long at) {}

    PlanChoice(RowSql sql) {
        this.sql = sql;
        this.chooses = sql.layout.pendingIndex() == null
                && !sql.dialect.primaryKeyHint().isEmpty();
    }

    /** The text of a template that reads {@code {table:pending}}. */
    String text(Connection connection, String template) throws SQLException {
        return sql.text(hasMany(connection) ? template.replace("{table:pending}", "{table:primary}") : template);
    }

    private boolean hasMany(Connection connection) throws SQLException {
        if (!chooses) {
            return false;
        }
        PendingCount known = pendingCount;
        long now = System.nanoTime();
        if (known == null || now - known.at() > LOOK_NANOS) {
            String count = sql.text("""
                    select count(*) from (
                        select 1 from {table:pending} where {status} = {pending} limit %s
                    ) pending
                    """.formatted(MANY));
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery(count)) {
                rows.next();
                known = new PendingCount(rows.getInt(1) == MANY, now);
                pendingCount = known;
            }
        }
        return known.many();
    }
}
