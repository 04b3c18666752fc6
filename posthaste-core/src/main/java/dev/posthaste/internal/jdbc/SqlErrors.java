package dev.posthaste.internal.jdbc;

import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What the errors of databases mean, distinguished by SQLState and vendor code. */
final class SqlErrors {
    private static final Set<String> TRANSIENT_STATES = Set.of("40001", "40P01", "55P03", "57014");
    /** A trigger's own errors. */
    private static final Set<String> REFUSED_STATES = Set.of("45000", "P0001");
    /**
     * Of MySQL and MariaDB, whose states do not distinguish them: wrong characters, too long, out of range, truncated,
     * not JSON, checks.
     */
    private static final Set<Integer> REFUSED_CODES =
            Set.of(1264, 1265, 1267, 1292, 1366, 1406, 3140, 3819, 3854, 3988, 4025);
    /** Of MySQL and MariaDB: read_only, a read-only transaction, InnoDB read-only. */
    private static final Set<Integer> READ_ONLY_CODES = Set.of(1290, 1792, 1836);

    private static final Set<String> SHUTDOWN_STATES = Set.of("57P01", "57P02", "57P03");
    private static final int MAX_CAUSES = 100;
    /** Of MySQL and MariaDB: disk full, table full, too many connections of the server or of this user. */
    private static final Set<Integer> FULL_CODES = Set.of(1021, 1040, 1114, 1203, 1226);

    /** Disk full, too many connections; not 53200 and 53400, which a single statement can cause every time. */
    private static final Set<String> FULL_STATES = Set.of("53100", "53300");

    private static final Set<String> CONTENTION_STATES = Set.of("40001", "40P01", "55P03");
    private static final Set<Integer> TRANSIENT_CODES = Set.of(1205, 1213, 3572, 50200);

    private static final Set<Integer> DENIED_CODES = Set.of(1044, 1142, 1143, 1227, 1370);

    private SqlErrors() {}

    /** Whether a savepoint does not exist, since the transaction that made it has ended. */
    static boolean isNoSavepoint(SQLException e) {
        return "3B001".equals(e.getSQLState())
                || e.getErrorCode() == 1305
                || e.getErrorCode() == 90063
                || SqliteErrors.isNoSavepoint(e);
    }

    /** Whether this user may not see what was asked. */
    static boolean isDenied(SQLException e) {
        return "42501".equals(e.getSQLState()) || DENIED_CODES.contains(e.getErrorCode());
    }

    /** Whether the connection failed rather than the statement. */
    static boolean isDisconnected(SQLException e) {
        return String.valueOf(e.getSQLState()).startsWith("08")
                || e instanceof SQLRecoverableException
                || e instanceof SQLNonTransientConnectionException
                || SqliteErrors.isUnreachable(e);
    }

    /** Whether the table, or a trigger on it, refused a value: it would be refused again. */
    static boolean isRefused(@Nullable Throwable e) {
        if (!(e instanceof SQLException sql)) {
            return false;
        }
        String state = String.valueOf(sql.getSQLState());
        return state.startsWith("22")
                || state.startsWith("23")
                || REFUSED_STATES.contains(state)
                || REFUSED_CODES.contains(sql.getErrorCode())
                || SqliteErrors.isRefused(sql);
    }

    /** Whether the server accepts no changes, such as one that is now a replica; it has then done nothing. */
    static boolean isReadOnly(SQLException e) {
        return "25006".equals(e.getSQLState())
                || READ_ONLY_CODES.contains(e.getErrorCode())
                || SqliteErrors.isReadOnly(e);
    }

    /** Whether it is useless to send anything more through the same connection. */
    static boolean isWrongServer(SQLException e) {
        return isReadOnly(e) || SHUTDOWN_STATES.contains(String.valueOf(e.getSQLState())) || isDisconnected(e);
    }

    /** Whether the server gave up waiting for another transaction's lock; this transaction must be rolled back. */
    static boolean isLockWait(SQLException e) {
        return "55P03".equals(e.getSQLState())
                || e.getErrorCode() == 1205
                || e.getErrorCode() == 50200
                || SqliteErrors.isBusy(e);
    }

    /** Whether the same transaction may succeed when it is run again: deadlock, lock wait, serialisation. */
    static boolean isTransient(Throwable e) {
        return isCausedBy(
                e,
                sql -> TRANSIENT_STATES.contains(String.valueOf(sql.getSQLState()))
                        || TRANSIENT_CODES.contains(sql.getErrorCode())
                        || SqliteErrors.isBusy(sql));
    }

    /** Whether other transactions were in the way: a deadlock, a lock wait, a serialization failure. */
    static boolean isContention(Throwable e) {
        return isCausedBy(
                e,
                sql -> CONTENTION_STATES.contains(String.valueOf(sql.getSQLState()))
                        || TRANSIENT_CODES.contains(sql.getErrorCode())
                        || SqliteErrors.isBusy(sql));
    }

    /** Whether the server has no room left: on its disk, or for connections. */
    static boolean isFull(Throwable e) {
        return isCausedBy(
                e,
                sql -> FULL_STATES.contains(String.valueOf(sql.getSQLState()))
                        || FULL_CODES.contains(sql.getErrorCode())
                        || SqliteErrors.isFull(sql));
    }

    /** Whether a throwable or one of its causes is a database error that {@code test} accepts. */
    static boolean isCausedBy(@Nullable Throwable e, Predicate<SQLException> test) {
        return find(e, test) != null;
    }

    /** The first that {@code test} accepts, of a throwable and its causes; null if it accepts none. */
    static @Nullable SQLException find(@Nullable Throwable e, Predicate<SQLException> test) {
        Throwable each = e;
        for (int i = 0; each != null && i < MAX_CAUSES; i++) { // causes may be cyclic
            if (each instanceof SQLException sql && test.test(sql)) {
                return sql;
            }
            each = each.getCause();
        }
        return null;
    }
}
