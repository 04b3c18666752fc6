package dev.posthaste.internal.jdbc;

import java.sql.SQLException;
import java.util.Set;

/**
 * What the errors of SQLite's driver mean. It leaves the SQLState null and gives SQLite's primary result code; the
 * extended code, which distinguishes a duplicate from other constraints, is only in the message: {@code
 * [SQLITE_CONSTRAINT_UNIQUE] …}.
 */
final class SqliteErrors {
    private static final int ERROR = 1;
    private static final int READ_ONLY = 8;
    private static final int FULL = 13;
    private static final int CONSTRAINT = 19;

    /** Another connection writes; the same within one cache; the log is being opened by another process. */
    private static final Set<Integer> BUSY = Set.of(5, 6, 15);

    /** An I/O error, a corrupt file, a file that cannot be opened, a file that is not a database. */
    private static final Set<Integer> UNREACHABLE = Set.of(10, 11, 14, 26);

    /** Too big, a constraint or a trigger, a value of the wrong type. */
    private static final Set<Integer> REFUSED = Set.of(18, CONSTRAINT, 20);

    private static final Set<String> DUPLICATES =
            Set.of("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID");

    private SqliteErrors() {}

    private static int code(SQLException e) {
        return e.getSQLState() == null ? e.getErrorCode() : 0;
    }

    private static String message(SQLException e) {
        return String.valueOf(e.getMessage());
    }

    static boolean isBusy(SQLException e) {
        return BUSY.contains(code(e));
    }

    static boolean isReadOnly(SQLException e) {
        return code(e) == READ_ONLY;
    }

    static boolean isFull(SQLException e) {
        return code(e) == FULL;
    }

    static boolean isRefused(SQLException e) {
        return REFUSED.contains(code(e));
    }

    static boolean isDuplicate(SQLException e) {
        String message = message(e);
        return code(e) == CONSTRAINT
                && message.startsWith("[")
                && DUPLICATES.contains(message.substring(1, Math.max(1, message.indexOf(']'))));
    }

    static boolean isDuplicateOfPrimaryKey(SQLException e) {
        String message = message(e);
        return message.startsWith("[SQLITE_CONSTRAINT_PRIMARYKEY]") || message.startsWith("[SQLITE_CONSTRAINT_ROWID]");
    }

    /** Whether no process can read or write the file, or the connection is closed. */
    static boolean isUnreachable(SQLException e) {
        return UNREACHABLE.contains(code(e))
                || (code(e) == 0 && e.getSQLState() == null && message(e).equals("database connection closed"));
    }

    static boolean isNoSavepoint(SQLException e) {
        return code(e) == ERROR && message(e).contains("no such savepoint");
    }

    static boolean isNoTransaction(SQLException e) {
        return code(e) == ERROR && message(e).contains("no transaction is active");
    }

    static boolean isWithinTransaction(SQLException e) {
        return code(e) == ERROR && message(e).contains("within a transaction");
    }
}
