package dev.posthaste.examples.support;

import com.zaxxer.hikari.SQLExceptionOverride;
import java.sql.SQLException;
import java.util.Set;

/**
 * Evicts a connection from its pool after the errors on which SQLite itself rolls back: out of memory, interrupt, I/O
 * error, disk full. Its driver does not notice; with no transaction, the connection would then commit each later
 * statement separately. Other databases' errors have an SQLState, and are not affected.
 */
final class SqliteEviction implements SQLExceptionOverride {
    private static final Set<Integer> CODES = Set.of(7, 9, 10, 13);

    @java.lang.Override
    public Override adjudicate(SQLException e) {
        return e.getSQLState() == null && CODES.contains(e.getErrorCode())
                ? Override.MUST_EVICT
                : Override.CONTINUE_EVICT;
    }
}
