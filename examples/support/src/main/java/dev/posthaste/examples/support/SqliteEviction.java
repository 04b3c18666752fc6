package dev.posthaste.examples.support;

import com.zaxxer.hikari.SQLExceptionOverride;
import java.sql.SQLException;
import java.util.Set;

/**
 * Evicts a connection from its pool after the errors by which SQLite rolls back by itself: memory, interrupt, input and
 * output, full disk. Its driver does not notice; without a transaction, the connection would commit each later statement by
 * itself. Other databases have a SQLState in their errors, and are not concerned.
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
