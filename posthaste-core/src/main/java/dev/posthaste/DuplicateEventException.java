package dev.posthaste;

import java.sql.SQLException;
import java.sql.SQLIntegrityConstraintViolationException;

/**
 * An event with this id is in the outbox already. To a caller that writes again because it never learnt how its COMMIT
 * ended, this is good news: the first one counted. On PostgreSQL the transaction must be rolled back after it.
 *
 * <p>In a table of another program it is any unique index that refused the event: if its numbers were given out twice, the
 * event that is there may be another one. Look for the id before you trust it. In Posthaste's own tables, and where there
 * is no column for the id, a position that is taken is a plain {@link SQLIntegrityConstraintViolationException}.
 */
public final class DuplicateEventException extends SQLIntegrityConstraintViolationException {
    public DuplicateEventException(String message, SQLException cause) {
        super(message, cause.getSQLState(), cause.getErrorCode(), cause);
    }
}
