package dev.posthaste.jdbc;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** MySQL 8 and later, and MariaDB 10.6 and later: InnoDB with its two spellings. */
final class MySqlDialect extends Dialect {
    private static final String UTC = "utc_timestamp(6)";
    private static final String EPOCH = "timestamp '1970-01-01 00:00:00'";

    private final String name;
    private final String share;
    private final int streamingFetchSize;
    private final String silence;
    private final String now;

    /** @param silence the variable that says how many seconds a client may be silent in a transaction */
    private MySqlDialect(String name, String share, int streamingFetchSize, String silence, String now) {
        this.name = name;
        this.share = share;
        this.streamingFetchSize = streamingFetchSize;
        this.silence = silence;
        this.now = now;
    }

    /** Connector/J streams when asked for the lowest number there is. */
    static MySqlDialect mysql() {
        return new MySqlDialect("mysql", "for share", Integer.MIN_VALUE, "wait_timeout", UTC);
    }

    static MySqlDialect mariadb() {
        return new MySqlDialect("mariadb", "lock in share mode", 250, "idle_transaction_timeout", UTC);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    String now() {
        return now;
    }

    /** {@code datetime} columns know no zone: they show what whoever wrote them meant. */
    @Override
    Dialect inZone(String zone) {
        return switch (zone) {
            case "UTC" -> this;
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

    /** How many microseconds the table's clock is before UTC's. */
    private String ahead() {
        return "timestampdiff(microsecond, " + UTC + ", " + now + ")";
    }

    @Override
    String pendingHint(TableLayout layout) {
        return "force index (" + quote(Objects.requireNonNull(layout.pendingIndex())) + ")";
    }

    @Override
    String primaryKeyHint() {
        return "force index (primary)";
    }

    @Override
    String limitSilence(long seconds) {
        return "set @posthaste_silence = @@session." + silence + ", session " + silence + " = " + seconds;
    }

    @Override
    String unlimitSilence() {
        return "set session " + silence + " = @posthaste_silence";
    }

    @Override
    String share() {
        return share;
    }

    /** Some versions of MySQL deny it to who has rights on the table only, and not on its database. */
    @Override
    boolean mayNotLock(SQLException e) {
        return e.getErrorCode() == 1142 || e.getErrorCode() == 1143;
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
    List<String> durabilityWarnings(Connection connection) throws SQLException {
        Map<String, String> settings = new TreeMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("""
                        show global variables where variable_name in
                            ('innodb_flush_log_at_trx_commit', 'sync_binlog', 'log_bin', 'innodb_doublewrite')
                        """)) {
            while (rows.next()) {
                settings.put(rows.getString(1), rows.getString(2));
            }
        }
        List<String> warnings = new ArrayList<>();
        if (!"1".equals(settings.get("innodb_flush_log_at_trx_commit"))) {
            warnings.add("innodb_flush_log_at_trx_commit is " + settings.get("innodb_flush_log_at_trx_commit")
                    + ": a crash loses commits that others have seen, so a published event may have no change behind it."
                    + " Set it to 1");
        }
        if ("OFF".equals(settings.get("log_bin"))) {
            warnings.add(
                    "log_bin is OFF: InnoDB then shows a commit to others before it is durable, so a crash may leave a"
                            + " published event with no change behind it. Turn the binary log on");
        } else if (!"1".equals(settings.get("sync_binlog"))) {
            warnings.add("sync_binlog is " + settings.get("sync_binlog")
                    + ": a crash may lose commits from the binary log. Set it to 1");
        }
        if ("OFF".equals(settings.get("innodb_doublewrite"))) {
            warnings.add("innodb_doublewrite is OFF: a torn page may lose committed events. Turn it on");
        }
        return warnings;
    }

    @Override
    Duration oldestTransaction(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("""
                        select coalesce(max(timestampdiff(microsecond, trx_started, now())), 0)
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
}
