package dev.posthaste;

import java.sql.SQLException;
import java.sql.SQLIntegrityConstraintViolationException;

/**
 * An event with this id is already in the outbox. To a caller that writes again because it never learnt how its COMMIT
 * ended, this is good news: the first one counted. On PostgreSQL the transaction must be rolled back after it.
 *
 * <p>In another program's table, any unique index may be the reason: if positions were assigned twice, the
 * existing row may be a different event. Look up the id before you rely on it. In Posthaste's own tables, and in tables
 * without a column for the id, a position that is already taken is a plain {@link
 * SQLIntegrityConstraintViolationException}.
 */
public final class DuplicateEventException extends SQLIntegrityConstraintViolationException {
    /**
     * @param message names the event and its outbox
     * @param cause what the database reported; its SQLState and vendor code are kept
     */
    public DuplicateEventException(String message, SQLException cause) {
        super(message, cause.getSQLState(), cause.getErrorCode(), cause);
    }
}
