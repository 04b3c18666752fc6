package dev.posthaste.internal.jdbc;

import dev.posthaste.Status;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/** MySQL 8 and later, and MariaDB 10.6 and later: InnoDB with its two spellings. */
final class MySqlDialect extends Dialect {
    private static final String UTC = "utc_timestamp(6)";
    private static final String UNLIMIT_LOCK = "set session innodb_lock_wait_timeout = @posthaste_lock";
    private static final String EPOCH = "timestamp '1970-01-01 00:00:00'";

    private final String name;
    private final String share;
    private final int streamingFetchSize;
    private final String silence;
    private final String now;

    /** @param silence the variable for how many seconds a client may be silent in a transaction */
    private MySqlDialect(String name, String share, int streamingFetchSize, String silence, String now) {
        this.name = name;
        this.share = share;
        this.streamingFetchSize = streamingFetchSize;
        this.silence = silence;
        this.now = now;
    }

    /** Connector/J streams when asked for the lowest possible number. */
    static MySqlDialect mysql() {
        return new MySqlDialect("mysql", "for share", Integer.MIN_VALUE, "wait_timeout", UTC);
    }

    static MySqlDialect mariadb() {
        return new MySqlDialect("mariadb", "lock in share mode", 250, "idle_transaction_timeout", UTC);
    }

    @Override
    boolean duplicatesLockTheirNeighbours() {
        return true;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    String now() {
        return now;
    }

    /** {@code datetime} columns have no zone: they show the clock that their writer used. */
    @Override
    Dialect inZone(String zone) {
        return switch (zone) {
            case "", "UTC" -> this;
            case "session" -> new MySqlDialect(name, share, streamingFetchSize, silence, "now(6)");
            default ->
                new MySqlDialect(
                        name, share, streamingFetchSize, silence, "convert_tz(" + UTC + ", '+00:00', '" + zone + "')");
        };
    }

    @Override
    String fromNow() {
        return now + " + interval ? microsecond";
    }

    @Override
    String nanosUntil(String column) {
        return "timestampdiff(microsecond, " + now + ", " + column + ") * 1000";
    }

    @Override
    String nanosSince(String column) {
        return "timestampdiff(microsecond, " + column + ", " + now + ") * 1000";
    }

    @Override
    String micros(String column) {
        return "timestampdiff(microsecond, " + EPOCH + ", " + column + ")" + (now.equals(UTC) ? "" : " - " + ahead());
    }

    @Override
    String atMicros() {
        return "timestampadd(microsecond, ?" + (now.equals(UTC) ? "" : " + " + ahead()) + ", " + EPOCH + ")";
    }

    /** How many microseconds the table's clock is ahead of UTC. */
    private String ahead() {
        return "timestampdiff(microsecond, " + UTC + ", " + now + ")";
    }

    @Override
    String statusHint(EventTable layout, Status status) {
        return "force index (" + quote(Objects.requireNonNull(layout.pendingIndex())) + ")";
    }

    @Override
    String primaryKeyHint() {
        return "force index (primary)";
    }

    @Override
    String limitWaits(long silence, long lock) {
        return "set @posthaste_silence = @@session." + this.silence
                + ", @posthaste_lock = @@session.innodb_lock_wait_timeout, session " + this.silence + " = " + silence
                + ", session innodb_lock_wait_timeout = " + lock;
    }

    /** A handler that makes another note in its inbox's transaction must not overwrite the variable of the silence. */
    @Override
    String limitNote(Connection connection, long silence, long lock) throws SQLException {
        if (silence > 0) {
            return super.limitNote(connection, silence, lock);
        }
        JdbcTransactions.execute(
                connection,
                "set @posthaste_lock = @@session.innodb_lock_wait_timeout, session innodb_lock_wait_timeout = " + lock);
        return UNLIMIT_LOCK;
    }

    @Override
    List<String> afterNote(String unlimit) {
        return List.of(UNLIMIT_LOCK, "savepoint " + NOTE);
    }

    @Override
    String unlimitWaits() {
        return "set session " + silence + " = @posthaste_silence, session innodb_lock_wait_timeout = @posthaste_lock";
    }

    @Override
    String deleteFrom(String table, String byId) {
        return "delete " + table + " from " + byId;
    }

    /** A hint names the index to use, whatever the statement says. */
    @Override
    String isWithoutIndex(String column, List<String> literals) {
        return SqlTemplate.isOneOf(column, literals);
    }

    @Override
    String withinDecades(String column) {
        return "least(greatest(" + column + ", " + now + " - interval 30000 day), " + now + " + interval 30000 day)";
    }

    @Override
    List<WriteLockSource> writeLockSources(EventTable layout) {
        return name.equals("mysql")
                ? List.of(new WriteLockSource.OfPerformanceSchema(layout))
                : List.of(
                        new WriteLockSource.OfMariaDbWithPlugin(layout),
                        new WriteLockSource.OfMariaDbPerformanceSchema(layout));
    }

    @Override
    String lockShared() {
        return share;
    }

    /** Some versions of MySQL deny it to users with rights only on the table, and not on its database. */
    @Override
    boolean isLockDenied(SQLException e) {
        return e.getErrorCode() == 1142 || e.getErrorCode() == 1143;
    }

    @Override
    String binaryType() {
        return "longblob";
    }

    @Override
    String quote(String identifier) {
        return '`' + identifier + '`';
    }

    @Override
    int streamingFetchSize() {
        return streamingFetchSize;
    }

    @Override
    boolean streamsInTransactionOnly() {
        return false;
    }

    @Override
    DatabaseChecks checks() {
        return new MySqlChecks();
    }

    /**
     * The start time of a transaction is in the server's own zone, whatever the session's is. A prepared one is listed
     * too, with thread 0 once its client is gone.
     */
    @Override
    Duration oldestTransaction(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("""
                        select coalesce(max(timestampdiff(
                            microsecond, trx_started, convert_tz(utc_timestamp(6), '+00:00', 'SYSTEM'))), 0)
                        from information_schema.innodb_trx where trx_mysql_thread_id <> connection_id()
                        """)) {
            rows.next();
            return Duration.ofNanos(Math.max(0, rows.getLong(1)) * 1000);
        } catch (SQLException e) {
            if (e.getErrorCode() == 1227) { // this user lacks the PROCESS privilege
                return Duration.ZERO;
            }
            throw e;
        }
    }

    @Override
    boolean isDuplicateOfPrimaryKey(SQLException e) {
        // The last quoted name is the index; before it comes the value, which may contain anything.
        return String.valueOf(e.getMessage()).matches("(?s).*'([^']*\\.)?PRIMARY'[^']*");
    }
}
