package dev.posthaste.reliability.torture;

import dev.posthaste.jdbc.Schema;
import dev.posthaste.kafka.KafkaTopics;
import dev.posthaste.rabbitmq.RabbitTopology;
import dev.posthaste.reliability.torture.Setup.Wire;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseProcess;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.Proxy;
import dev.posthaste.servers.RabbitServer;
import dev.posthaste.servers.ServerProcess;
import dev.posthaste.servers.SmallDisk;
import dev.posthaste.servers.WallClock;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.jspecify.annotations.Nullable;

/** One pair's servers, the proxies before them, and the processes that use them. */
final class Stage implements AutoCloseable {
    static final List<String> RELAYS = List.of("relay-1", "relay-2", "relay-3");
    private static final List<String> CONSUMERS = List.of("consumer-1", "consumer-2", "consumer-3");
    static final int PARTITIONS = 6;
    static final String WRITER = "writer";
    /** The relay whose clock the nemesis turns. */
    static final String SHIFTED = "relay-3";

    /** Room for two million messages: a pair's topic is read in the end, so nothing is deleted from it. */
    private static final int KAFKA_MEGABYTES = 1024;

    private static final int RABBIT_MEGABYTES = 384;
    private static final int LOGIN_SECONDS = 10;
    private static final int SQLITE_MEGABYTES = 2048;
    private static final String SQLITE_SETTINGS = "?journal_mode=WAL&synchronous=FULL&busy_timeout=10000";
    private static final Duration QUIET = Duration.ofSeconds(3);

    /** Null where the database is a file. */
    final @Nullable DatabaseProcess database;
    /** Null where the consumers are in the relays' processes. */
    final @Nullable ServerProcess broker;
    /** What the broker keeps its data on; null where none can be mounted, or there is no broker. */
    final @Nullable SmallDisk disk;
    /** What a database is on that is a file; null where none can be mounted, or it is a server. */
    final @Nullable SmallDisk databaseDisk;

    final List<String> consumers;

    final Setup setup;
    final WallClock clock;
    /** Between each kind of process and the database. */
    final Map<String, Proxy> toDatabase = new LinkedHashMap<>();
    /** Between relays and the broker, and consumers and the broker; one for both where the broker names its address. */
    final Map<String, Proxy> toBroker = new LinkedHashMap<>();

    private final Map<String, Process> running = new LinkedHashMap<>();
    private final Map<String, Integer> incarnations = new LinkedHashMap<>();
    private final @Nullable Path planted;

    Stage(Database kind, Wire wire, Path home, long seed, @Nullable Path planted)
            throws IOException, SQLException, TimeoutException {
        this.planted = planted;
        clock = new WallClock(home.resolve("clock"));
        consumers = wire == Wire.LOCAL ? List.of() : CONSUMERS;
        String url;
        if (kind == Database.SQLITE) {
            database = null;
            databaseDisk = disk(SQLITE_MEGABYTES);
            Path file = (databaseDisk == null ? home : databaseDisk.path()).resolve("torture.db");
            url = "jdbc:sqlite:" + file + SQLITE_SETTINGS;
        } else {
            databaseDisk = null;
            database = DatabaseProcess.start(kind);
            url = database.url("torture");
            for (String who : List.of("writers", "relays", "consumers")) {
                toDatabase.put(who, new Proxy(database.port()));
            }
        }
        if (wire == Wire.LOCAL) {
            disk = null;
            broker = null;
            setup = new Setup(wire, url, "none", home, seed);
        } else if (wire == Wire.KAFKA) {
            Proxy proxy = new Proxy();
            disk = disk(KAFKA_MEGABYTES);
            broker = kafka(proxy, disk);
            toBroker.put("clients", proxy.to(broker.port()));
            setup = new Setup(wire, url, "127.0.0.1:" + proxy.port(), home, seed);
        } else {
            disk = disk(RABBIT_MEGABYTES);
            RabbitServer rabbit = disk == null ? RabbitServer.start() : RabbitServer.start(disk.path());
            broker = rabbit;
            toBroker.put("relays", new Proxy(broker.port()));
            toBroker.put("consumers", new Proxy(broker.port()));
            setup = new Setup(wire, url, rabbit.uri(), home, seed);
        }
        createTables(kind);
        if (wire == Wire.KAFKA) {
            KafkaTopics.create(setup.kafka(), PARTITIONS, 1, wire.route());
        } else if (wire == Wire.RABBITMQ) {
            RabbitTopology.declare(setup.rabbit(), wire.route());
        }
    }

    /** One that tells its clients to come through the proxy. */
    private static KafkaServer kafka(Proxy proxy, @Nullable SmallDisk disk) {
        Map<String, String> properties = new HashMap<>(Map.of(
                "advertised.listeners",
                "PLAINTEXT://127.0.0.1:" + proxy.port(),
                "auto.create.topics.enable",
                "false",
                "group.max.session.timeout.ms",
                "60000"));
        if (disk != null) {
            properties.put("log.dirs", disk.path().resolve("data").toString());
        }
        return KafkaServer.start(1, properties);
    }

    private static @Nullable SmallDisk disk(int megabytes) {
        return Processes.mayAdminister() ? SmallDisk.mount(megabytes) : null;
    }

    /** Fails when the database gives no answer for {@value #LOGIN_SECONDS} seconds, as one that is frozen. */
    Connection connect() throws SQLException {
        DriverManager.setLoginTimeout(LOGIN_SECONDS);
        return DriverManager.getConnection(setup.url());
    }

    long count(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        }
    }

    /** Waits until all that was written is handled or dead; nobody may write meanwhile. */
    void awaitDrained(Duration most) throws SQLException, InterruptedException, TimeoutException {
        String end = setup.wire().end();
        long deadline = System.nanoTime() + most.toNanos();
        long quietSince = 0;
        long effects = -1;
        while (quietSince == 0 || System.nanoTime() - quietSince < QUIET.toNanos()) {
            long now = count("select count(*) from effects");
            long open = count("select count(*) from orders where status not in ('dead', '" + end + "')");
            if (open > 0 || now != effects) {
                quietSince = 0;
            } else if (quietSince == 0) {
                quietSince = System.nanoTime();
            }
            effects = now;
            if (System.nanoTime() > deadline) {
                throw new TimeoutException(open + " events were not handled within " + most);
            }
            Thread.sleep(300);
        }
    }

    private void createTables(Database kind) throws SQLException {
        if (database != null) {
            try (Connection connection = DriverManager.getConnection(
                            database.url(kind == Database.POSTGRESQL ? "postgres" : "mysql"));
                    Statement statement = connection.createStatement()) {
                statement.execute("create database torture");
            }
        }
        try (var pool = setup.pool(2)) {
            Schema.create(pool, setup.catalog().outboxes());
        }
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            for (String sql : Tables.script(kind, setup.wire().tracks())) {
                statement.execute(sql);
            }
            connection.setAutoCommit(false);
            try (var insert = connection.prepareStatement("insert into aggregates (id, version) values (?, 0)")) {
                for (int key = 0; key < Setup.KEYS; key++) {
                    insert.setInt(1, key);
                    insert.addBatch();
                }
                insert.executeBatch();
            }
            connection.commit();
            connection.setAutoCommit(true);
            // A restarted InnoDB that believes it empty has writers read all of it, and deadlock with each other.
            statement.execute(
                    kind == Database.MYSQL || kind == Database.MARIADB
                            ? "analyze table aggregates"
                            : "analyze aggregates");
        }
    }

    /**
     * Starts the broker again, if it does not run, and sees that it serves.
     *
     * @throws IllegalStateException if it does not serve yet
     */
    void startBroker() throws Exception {
        ServerProcess server = Objects.requireNonNull(broker);
        server.startAgain();
        if (server instanceof RabbitServer rabbit) {
            rabbit.control("await_startup");
            return;
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", setup.broker()))) {
            // Only brokers that the controller lets serve are named.
            if (admin.describeCluster().nodes().get(3, TimeUnit.SECONDS).isEmpty()) {
                throw new IllegalStateException("Kafka does not serve yet");
            }
            String group = Objects.requireNonNull(setup.wire().route().group());
            admin.describeConsumerGroups(List.of(group)).all().get(3, TimeUnit.SECONDS);
        }
    }

    // --- Processes ---------------------------------------------------------------------------------------------------

    void startAll() {
        start(WRITER);
        RELAYS.forEach(this::start);
        consumers.forEach(this::start);
    }

    /** Every incarnation has a name of its own. */
    void start(String role) {
        String name = role + "." + incarnations.merge(role, 1, Integer::sum);
        String kind = role.startsWith("writer") ? "writers" : role.startsWith("relay") ? "relays" : "consumers";
        Class<?> main = switch (kind) {
            case "writers" -> WriterProcess.class;
            case "relays" -> RelayProcess.class;
            default -> ConsumerProcess.class;
        };
        String url = database == null
                ? setup.url()
                : database.url(
                        "torture", Objects.requireNonNull(toDatabase.get(kind)).port());
        Setup its = setup.through(url, brokerFor(kind));
        List<String> arguments = new ArrayList<>(its.arguments());
        arguments.add(name);
        Map<String, String> environment = role.equals(SHIFTED) ? clock.environment() : Map.of();
        running.put(
                role, Processes.java(name, setup.home(), planted, environment, main, arguments.toArray(String[]::new)));
    }

    private String brokerFor(String kind) {
        Proxy proxy = toBroker.get(kind);
        return proxy == null ? setup.broker() : "amqp://guest:guest@127.0.0.1:" + proxy.port();
    }

    Process process(String role) {
        return Objects.requireNonNull(running.get(role));
    }

    /** Kills a process, or has it end by itself when it is asked to; either way it is gone afterwards. */
    void end(String role, boolean forcibly) throws InterruptedException {
        Process process = process(role);
        if (forcibly) {
            process.destroyForcibly().waitFor();
        } else {
            process.destroy();
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
                throw new IllegalStateException(role + " did not end within 20 s of SIGTERM");
            }
        }
    }

    /** The roles whose processes have ended though nobody ended them. */
    List<String> fallen() {
        return running.entrySet().stream()
                .filter(each -> !each.getValue().isAlive())
                .map(Map.Entry::getKey)
                .toList();
    }

    @Override
    public void close() {
        for (Process process : running.values()) {
            process.destroyForcibly();
            process.onExit().join();
        }
        toDatabase.values().forEach(Proxy::close);
        toBroker.values().forEach(Proxy::close);
        for (AutoCloseable each : Arrays.asList(broker, disk, database, databaseDisk)) {
            try {
                if (each != null) {
                    each.close();
                }
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
