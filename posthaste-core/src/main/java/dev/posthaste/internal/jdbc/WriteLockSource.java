package dev.posthaste.internal.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a database lists the transactions that hold a write lock on one table. A list may silently be incomplete, for
 * instance when the server does not record such locks at all; {@link WriteLocks} finds out. Immutable.
 */
abstract sealed class WriteLockSource
        permits WriteLockSource.OfPostgres,
                WriteLockSource.OfPerformanceSchema,
                WriteLockSource.OfMariaDbWithPlugin,
                WriteLockSource.OfMariaDbPerformanceSchema {

    /**
     * The result of one look.
     *
     * @param server which server this is; null if it is a standby, whose locks say nothing about writers
     * @param uptimeSeconds for how long it has been running, where {@code server} does not change at a restart;
     *     otherwise 0
     * @param transactions names of the transactions
     * @param prepared names of transactions that are prepared, whose locks may be in no list
     * @param lost how many locks the server could not record
     */
    record Found(
            @Nullable String server, long uptimeSeconds, Set<String> transactions, Set<String> prepared, long lost) {}

    /** Lists them, with the connection's own. */
    abstract Found find(Connection connection) throws SQLException;

    /** What names the connection's own transaction in the list. */
    abstract String own(Connection connection) throws SQLException;

    /** Whether several servers accept writes, of which this list shows only one's. */
    abstract boolean isCluster(Connection connection) throws SQLException;

    /** What an operator can do to get a complete list. */
    abstract String remedy();

    /** An id that no table has, to lock a table without changing it. */
    static final long NO_ID = Long.MIN_VALUE;

    // --- PostgreSQL --------------------------------------------------------------------------------------------------

    /** Everyone may read {@code pg_locks}. A transaction keeps its virtual name when it is prepared. */
    static final class OfPostgres extends WriteLockSource {
        private final String list;

        /** @param table quoted */
        OfPostgres(String table) {
            // Statistics are reset by a recovery from a crash, which may rename prepared transactions.
            this.list = """
                    select extract(epoch from pg_postmaster_start_time()) || ' '
                            || (select system_identifier from pg_control_system()) || ' '
                            || coalesce((select extract(epoch from stats_reset) from pg_stat_bgwriter)::text, '') as server_name,
                        pg_is_in_recovery() as changes_refused,
                        string_agg(distinct l.virtualtransaction, ' ') as transaction_names
                    from pg_locks l
                    where l.locktype = 'relation' and l.mode = 'RowExclusiveLock' and l.granted
                        and l.database = (select oid from pg_database where datname = current_database())
                        and (l.relation = 'TABLE'::regclass
                            or l.relation in (select relid from pg_partition_tree('TABLE'::regclass)))
                    """.replace("TABLE", table);
        }

        @Override
        Found find(Connection connection) throws SQLException {
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(list)) {
                row.next();
                String names = row.getString("transaction_names");
                return new Found(
                        row.getBoolean("changes_refused") ? null : row.getString("server_name"),
                        0,
                        names == null ? Set.of() : Set.of(names.split(" ")),
                        Set.of(),
                        0);
            }
        }

        @Override
        String own(Connection connection) throws SQLException {
            return one(connection, """
                    select virtualtransaction from pg_locks where pid = pg_backend_pid() and locktype = 'virtualxid'
                    """);
        }

        @Override
        boolean isCluster(Connection connection) throws SQLException {
            return one(connection, "select version()").matches("(?i).*(yugabyte|-yb-|cockroach).*");
        }

        @Override
        String remedy() {
            return "Let this user read pg_locks";
        }
    }

    // --- MySQL and MariaDB -------------------------------------------------------------------------------------------

    private static String one(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? String.valueOf(row.getString(1)) : "";
        }
    }

    private static Found read(Connection connection, String sql, EventTable layout) throws SQLException {
        int dot = layout.table().indexOf('.');
        String server = null;
        long uptime = 0;
        long lost = 0;
        Set<String> transactions = new HashSet<>();
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, dot < 0 ? null : layout.table().substring(0, dot));
            statement.setString(2, layout.simpleName());
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    server = rows.getBoolean("changes_refused") ? null : rows.getString("server_name");
                    uptime = rows.getLong("uptime_seconds");
                    lost = rows.getLong("lost_locks");
                    String name = rows.getString("transaction_name");
                    if (name != null) {
                        transactions.add(name);
                    }
                }
            }
        }
        return new Found(server, uptime, transactions, Set.of(), lost);
    }

    /** A lock that a session takes under its own name shows the session's number in the list. */
    private static String ownThread(Connection connection) throws SQLException {
        String name = "posthaste-" + UUID.randomUUID();
        try (PreparedStatement lock = connection.prepareStatement("select get_lock(?, 0)");
                PreparedStatement find = connection.prepareStatement("""
                        select owner_thread_id from performance_schema.metadata_locks
                        where object_type = 'USER LEVEL LOCK' and object_name = ?
                        """);
                PreparedStatement release = connection.prepareStatement("select release_lock(?)")) {
            lock.setString(1, name);
            lock.executeQuery().close();
            find.setString(1, name);
            release.setString(1, name);
            try (ResultSet row = find.executeQuery()) {
                return row.next() ? row.getString(1) : "";
            } finally {
                release.executeQuery().close();
            }
        }
    }

    /**
     * A transaction's name is its thread's number: it stays when the transaction is prepared, where the number of the event
     * does not.
     */
    static final class OfPerformanceSchema extends WriteLockSource {
        private static final Pattern VERSION = Pattern.compile("^(\\d+)\\.(\\d+)\\.(\\d+)");
        private static final String LIST = """
                select @@server_uuid as server_name,
                    (select variable_value from performance_schema.global_status
                        where variable_name = 'Uptime') as uptime_seconds,
                    (select variable_value from performance_schema.global_status
                        where variable_name = 'Performance_schema_metadata_lock_lost') as lost_locks,
                    @@global.read_only as changes_refused, l.owner_thread_id as transaction_name
                from (select 1) one left join performance_schema.metadata_locks l on l.object_type = 'TABLE'
                    and l.object_schema = coalesce(?, database()) and l.object_name = ? and l.lock_status = 'GRANTED'
                    and l.lock_type in ('SHARED_WRITE', 'SHARED_WRITE_LOW_PRIO', 'SHARED_NO_READ_WRITE')
                """;
        private final EventTable layout;

        OfPerformanceSchema(EventTable layout) {
            this.layout = layout;
        }

        @Override
        Found find(Connection connection) throws SQLException {
            Found found = read(connection, LIST, layout);
            return keepsLocksOfPrepared(connection) ? found : withPrepared(connection, found);
        }

        /** Since 8.0.29. In 8.0.12, which was tried, the list loses them when their session ends. */
        private static boolean keepsLocksOfPrepared(Connection connection) throws SQLException {
            Matcher version = VERSION.matcher(connection.getMetaData().getDatabaseProductVersion());
            return version.find()
                    && (Integer.parseInt(version.group(1)) > 8
                            || Integer.parseInt(version.group(2)) > 0
                            || Integer.parseInt(version.group(3)) >= 29);
        }

        @Override
        String own(Connection connection) throws SQLException {
            return ownThread(connection);
        }

        @Override
        boolean isCluster(Connection connection) throws SQLException {
            return !one(connection, """
                    select variable_name from performance_schema.global_variables
                    where (variable_name = 'wsrep_on' and variable_value = 'ON')
                        or (variable_name = 'group_replication_single_primary_mode' and variable_value = 'OFF')
                    """).isEmpty();
        }

        @Override
        String remedy() {
            return "Grant this user select on performance_schema.metadata_locks; the server needs performance_schema = ON"
                    + " (Amazon RDS: in the parameter group, or switch Performance Insights on) with the instrument"
                    + " wait/lock/metadata/sql/mdl, and performance_schema_max_metadata_locks = -1. Before MySQL 8.0.29, grant xa_recover_admin too";
        }
    }

    private static final String MARIADB_SERVER = """
            select concat(@@hostname, ' ', @@port, ' ', @@server_id, ' ', coalesce((select variable_value
                    from information_schema.global_variables where variable_name = 'SERVER_UID'), '')) as server_name,
                (select variable_value from information_schema.global_status
                    where variable_name = 'UPTIME') as uptime_seconds,
            """;
    private static final String MARIADB_REMEDY =
            "Let an administrator run INSTALL SONAME 'metadata_lock_info'; or start"
                    + " the server with performance_schema = ON and performance_schema_instrument ="
                    + " 'wait/lock/metadata/sql/mdl=ON', and grant this user select on performance_schema.metadata_locks";

    private static boolean isGalera(Connection connection) throws SQLException {
        return !one(connection, """
                select variable_name from information_schema.global_variables
                where variable_name = 'WSREP_ON' and variable_value = 'ON'
                """).isEmpty();
    }

    /** A prepared transaction whose session has ended holds its locks without being in any list of locks. */
    private static Found withPrepared(Connection connection, Found found) throws SQLException {
        Set<String> prepared = new HashSet<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("xa recover")) {
            while (rows.next()) {
                prepared.add("xa:" + rows.getString("formatID") + ":" + rows.getString("gtrid_length") + ":"
                        + rows.getString("data"));
            }
        }
        return new Found(found.server(), found.uptimeSeconds(), found.transactions(), prepared, found.lost());
    }

    /** MariaDB with its plugin {@code metadata_lock_info}, which requires no rights. */
    static final class OfMariaDbWithPlugin extends WriteLockSource {
        private static final String LIST = MARIADB_SERVER + """
                    0 as lost_locks, @@global.read_only as changes_refused, l.thread_id as transaction_name
                from (select 1) one left join information_schema.metadata_lock_info l
                    on l.lock_type = 'Table metadata lock' and l.table_schema = coalesce(?, database())
                    and l.table_name = ? and l.lock_mode in ('MDL_SHARED_WRITE', 'MDL_SHARED_NO_READ_WRITE')
                """;
        private final EventTable layout;

        OfMariaDbWithPlugin(EventTable layout) {
            this.layout = layout;
        }

        @Override
        Found find(Connection connection) throws SQLException {
            return withPrepared(connection, read(connection, LIST, layout));
        }

        @Override
        String own(Connection connection) throws SQLException {
            return one(connection, "select connection_id()");
        }

        @Override
        boolean isCluster(Connection connection) throws SQLException {
            return isGalera(connection);
        }

        @Override
        String remedy() {
            return MARIADB_REMEDY;
        }
    }

    /** MariaDB without the plugin. */
    static final class OfMariaDbPerformanceSchema extends WriteLockSource {
        private static final String LIST = MARIADB_SERVER + """
                    (select variable_value from information_schema.global_status
                        where variable_name = 'PERFORMANCE_SCHEMA_METADATA_LOCK_LOST') as lost_locks,
                    @@global.read_only as changes_refused, l.owner_thread_id as transaction_name
                from (select 1) one left join performance_schema.metadata_locks l on l.object_type = 'TABLE'
                    and l.object_schema = coalesce(?, database()) and l.object_name = ? and l.lock_status = 'GRANTED'
                    and l.lock_type in ('SHARED_WRITE', 'SHARED_WRITE_LOW_PRIO', 'SHARED_NO_READ_WRITE')
                """;
        private final EventTable layout;

        OfMariaDbPerformanceSchema(EventTable layout) {
            this.layout = layout;
        }

        @Override
        Found find(Connection connection) throws SQLException {
            return withPrepared(connection, read(connection, LIST, layout));
        }

        @Override
        String own(Connection connection) throws SQLException {
            return ownThread(connection);
        }

        @Override
        boolean isCluster(Connection connection) throws SQLException {
            return isGalera(connection);
        }

        @Override
        String remedy() {
            return MARIADB_REMEDY;
        }
    }
}
