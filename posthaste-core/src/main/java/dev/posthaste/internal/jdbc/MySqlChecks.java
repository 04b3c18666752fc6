package dev.posthaste.internal.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What is checked on MySQL and MariaDB. */
final class MySqlChecks extends DatabaseChecks {
    private static final String PADDING_BYTES = "utf8mb4_bin";

    @Override
    List<String> durabilityWarnings(Connection connection) throws SQLException {
        Map<String, String> settings = new TreeMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("""
                        show global variables where variable_name in
                            ('innodb_flush_log_at_trx_commit', 'sync_binlog', 'log_bin', 'innodb_doublewrite')
                        """)) {
            while (rows.next()) {
                settings.put(rows.getString("variable_name"), rows.getString("value"));
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

    /** The server's settings for this session that {@link #checkServer} checks. */
    private static Map<String, String> settings(Connection connection) throws SQLException {
        Map<String, String> settings = new TreeMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("""
                        show session variables where variable_name in
                            ('binlog_format', 'log_bin', 'sql_log_bin', 'read_only', 'super_read_only', 'innodb_read_only',
                            'wsrep_on', 'wsrep_sync_wait', 'auto_increment_increment')
                        """)) {
            while (rows.next()) {
                settings.put(rows.getString("variable_name"), rows.getString("value"));
            }
        }
        return settings;
    }

    @Override
    void checkServer(Connection connection, DatabaseSchema.Findings findings) throws SQLException {
        checkSettings(settings(connection), findings);
    }

    static void checkSettings(Map<String, String> settings, DatabaseSchema.Findings findings) {
        if ("STATEMENT".equals(settings.get("binlog_format"))
                && !"OFF".equals(settings.get("log_bin"))
                && !"OFF".equals(settings.get("sql_log_bin"))) {
            findings.faults()
                    .add(
                            "binlog_format is STATEMENT: the server refuses every write of a transaction at READ COMMITTED, as"
                                    + " relays use, so nothing would be published. Set binlog_format = ROW");
        }
        for (String setting : List.of("innodb_read_only", "super_read_only", "read_only")) {
            if ("ON".equals(settings.get(setting))) {
                findings.warnings()
                        .add(setting + " is ON: the server refuses writes"
                                + (setting.equals("read_only") ? " unless this user is exempt" : "")
                                + ", so nothing is published from here. Connect to the primary");
                break;
            }
        }
        if ("ON".equals(settings.get("wsrep_on"))) {
            findings.warnings()
                    .add(
                            "wsrep_on is ON, a Galera cluster: a relay that reads from another node than it writes to may miss"
                                    + " what was committed, such as a lease that another relay holds. Connect every relay and"
                                    + " consumer to one node"
                                    + ("0".equals(settings.get("wsrep_sync_wait"))
                                            ? ", or set wsrep_sync_wait = 7"
                                            : ""));
        }
        String increment = settings.getOrDefault("auto_increment_increment", "1");
        if (!increment.equals("1")) {
            findings.warnings()
                    .add("auto_increment_increment is " + increment
                            + ": every id leaves a gap behind it that relays look at again, which costs reads and loses"
                            + " nothing. Set it to 1 unless several servers write");
        }
    }

    @Override
    void checkTable(Connection connection, String schema, String table, DatabaseSchema.Findings findings)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(
                "select engine from information_schema.tables where table_schema = ? and table_name = ?")) {
            statement.setString(1, schema);
            statement.setString(2, table);
            try (ResultSet row = statement.executeQuery()) {
                String engine = row.next() ? row.getString(1) : null;
                if (engine != null && !engine.equalsIgnoreCase("InnoDB")) {
                    findings.faults()
                            .add("table " + table + " is in engine " + engine
                                    + ", and Posthaste requires InnoDB: without"
                                    + " transactions an event is published though its change was rolled back. Run: alter table "
                                    + table + " engine = InnoDB");
                }
            }
        }
    }

    @Override
    List<String> equalTexts(Connection connection, ColumnChecks.Facts column) throws SQLException {
        String charset = column.charset();
        String collation = column.collation();
        if (charset == null || collation == null || !(charset + collation).matches("\\w+")) {
            return List.of();
        }
        String converted = "convert(%s using " + charset + ")";
        List<String> equal = new ArrayList<>(ask(connection, converted + " collate " + collation + " = " + converted));
        if (byteCollation(connection).equals(PADDING_BYTES)) {
            equal.remove(BLANK_AT_END);
        }
        return equal;
    }

    /** Before 8.0.17, MySQL has only {@value #PADDING_BYTES}, which ignores trailing blanks. */
    /** A datetime shows the layout's clock. */
    @Override
    void checkTimes(Connection connection, String zone, ColumnChecks.Facts column, DatabaseSchema.Findings findings) {
        if (column.type().equals("timestamp") && !zone.equals("session")) {
            findings.faults()
                    .add(column + " is a timestamp, which the server converts by the session's time zone" + WRONG_TIMES
                            + "State zone = session in the layout");
        }
    }

    @Override
    String byteCollation(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("""
                        select collation_name from information_schema.collations
                        where collation_name in ('utf8mb4_nopad_bin', 'utf8mb4_0900_bin', 'utf8mb4_bin')
                        order by field(collation_name, 'utf8mb4_nopad_bin', 'utf8mb4_0900_bin', 'utf8mb4_bin') limit 1
                        """)) {
            return row.next() ? row.getString(1) : PADDING_BYTES;
        }
    }
}
