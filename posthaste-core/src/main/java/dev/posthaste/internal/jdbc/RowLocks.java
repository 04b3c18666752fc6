package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.jdbc.EventTable.Column;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * When an outbox's rows are locked before they are changed. A row that another transaction has locked is left out, because
 * waiting for it would hold up all other events. Locks are checked only when there is reason to: in an outbox whose
 * consumers mark its rows in their own transactions, and for a while after a statement had to give up waiting for a
 * lock. Otherwise rows are changed directly, which costs nothing extra, and Posthaste's transactions wait no longer
 * than a second for a lock. Thread-safe.
 */
final class RowLocks {
    private static final long LOOK_FOR_LOCKS_NANOS = 30_000_000_000L;

    private final RowSql sql;
    private final boolean always;
    private volatile boolean allowed = true;
    private volatile @Nullable Long metAt;

    RowLocks(RowSql sql, boolean tracked) {
        this.sql = sql;
        this.always = tracked || sql.dialect.limitWaits(1, 1).isEmpty();
    }

    boolean areLookedFor() {
        Long at = metAt;
        return sql.dialect.locksRows() && (always || (at != null && System.nanoTime() - at < LOOK_FOR_LOCKS_NANOS));
    }

    /** Another transaction has locked a row. */
    void met() {
        metAt = System.nanoTime();
    }

    <T> T noticing(JdbcTransactions.Work<T> work, Connection connection) throws SQLException {
        try {
            return work.run(connection);
        } catch (SQLException e) {
            if (SqlErrors.isLockWait(e)) {
                met();
            }
            throw e;
        }
    }

    /** Work that locks rows; null where this user may not lock any. */
    <T> @Nullable T locking(JdbcTransactions.Work<T> work, Connection connection) throws SQLException {
        if (!allowed) {
            return null;
        }
        try {
            return work.run(connection);
        } catch (SQLException e) {
            if (sql.dialect.isLockDenied(e)) {
                allowed = false;
                return null;
            }
            throw e;
        }
    }

    /** The ids that the statement finds and locks; null where this user may not lock rows. */
    @Nullable
    Set<Long> lock(Connection connection, String text, List<Long> ids) throws SQLException {
        return locking(each -> find(each, text, ids), connection);
    }

    Set<Long> find(Connection connection, String text, List<Long> ids) throws SQLException {
        Set<Long> found = new HashSet<>();
        try (PreparedStatement statement = sql.prepare(connection, text, ids);
                ResultSet rows = statement.executeQuery()) {
            int id = rows.findColumn(sql.label(Column.ID));
            while (rows.next()) {
                found.add(rows.getLong(id));
            }
        }
        return found;
    }
}
