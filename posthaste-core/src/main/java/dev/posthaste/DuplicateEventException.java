package dev.posthaste;

import java.sql.SQLException;
import java.sql.SQLIntegrityConstraintViolationException;

/**
 * An event with this id is in the outbox already. To a caller that writes again because it never learnt how its COMMIT
 * ended, this is good news: the first one counted. On PostgreSQL the transaction must be rolled back after it.
 */
public final class DuplicateEventException extends SQLIntegrityConstraintViolationException {
    public DuplicateEventException(String message, SQLException cause) {
        super(message, cause.getSQLState(), cause.getErrorCode(), cause);
    }
}
