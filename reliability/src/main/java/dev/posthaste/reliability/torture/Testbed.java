package dev.posthaste.reliability.torture;

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

/** One pair's servers, the proxies in front of them, and the processes that use them. */
final class Testbed implements AutoCloseable {
    static final List<String> RELAYS = List.of("relay-1", "relay-2", "relay-3");
    private static final List<String> CONSUMERS = List.of("consumer-1", "consumer-2", "consumer-3");
    static final int PARTITIONS = 6;
    static final String WRITER = "writer";
    /** A second writer that takes every seventh id; runs only for a while. */
    static final String STEPPING_WRITER = "writer-by-seven";
    /** The relay whose clock the nemesis changes. */
    static final String SHIFTED = "relay-3";
    /** The relay with a small heap, which ends with an error if it needs more. */
    private static final String SMALL = "relay-2";

    private static final List<String> SMALL_HEAP = List.of("-Xmx48m", "-XX:+ExitOnOutOfMemoryError");

    /** Room for two million messages: a pair's topic is read at the end, so nothing is deleted from it. */
    private static final int KAFKA_MEGABYTES = 1024;

    private static final int RABBIT_MEGABYTES = 384;
    private static final int LOGIN_SECONDS = 10;
    private static final int SQLITE_MEGABYTES = 2048;
    /** The consumers' user, which can be made read-only separately; not on MariaDB. */
    static final String CONSUMERS_USER = "consumers";
    /** The application's user on MariaDB, where root may write even if the server is read-only. */
    static final String APPLICATION = "application";

    private static final String SQLITE_SETTINGS = "?journal_mode=WAL&synchronous=FULL&busy_timeout=10000";
    /**
     * A verdict on a row that its consumer has locked is settled within five seconds, and counted only then; the event
     * may have been handled long before.
     */
    private static final Duration QUIET = Duration.ofSeconds(7);
    /**
     * The longest time without progress while events are pending and there are no faults. A relay waits for 30 s at
     * most before it retries an event, and the server ends the transaction of a vanished consumer after 60.
     */
    private static final Duration STUCK = Duration.ofSeconds(90);

    final Database kind;
    /** Null if the database is a file. */
    final @Nullable DatabaseProcess database;
    /** Null if the consumers are in the relays' processes. */
    final @Nullable ServerProcess broker;
    /** The disk of the broker's data; null if none can be mounted, or there is no broker. */
    final @Nullable SmallDisk disk;
    /** The disk of a database that is a file; null if none can be mounted, or it is a server. */
    final @Nullable SmallDisk databaseDisk;

    final List<String> consumers;

    final Setup setup;
    final WallClock clock;
    /** Between each kind of process and the database. */
    final Map<String, Proxy> toDatabase = new LinkedHashMap<>();
    /**
     * Between relays and the broker, and consumers and the broker; one for both if the broker announces its address.
     */
    final Map<String, Proxy> toBroker = new LinkedHashMap<>();

    private final Map<String, Process> running = new LinkedHashMap<>();
    private final Map<String, Integer> incarnations = new LinkedHashMap<>();
    private final Map<String, String> names = new LinkedHashMap<>();
    /** How many published rows the outbox has at the start. */
    final long settled;

    /** Classes with a planted bug, which come before the real ones; null for none. */
    final @Nullable Path planted;

    Testbed(Pair pair, Path home, long seed, @Nullable Path planted, long settled) throws Exception {
        this.planted = planted;
        this.settled = settled;
        this.kind = pair.database();
        Wire wire = pair.wire();
        OutboxTable table = pair.table();
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
            setup = new Setup(wire, table, url, "none", home, seed);
        } else if (pair.brokers() > 1) {
            disk = null;
            KafkaServer cluster = KafkaBrokers.cluster(pair.brokers());
            broker = cluster;
            setup = new Setup(wire, table, url, cluster.bootstrap(), home, seed);
        } else if (wire == Wire.KAFKA) {
            Proxy proxy = new Proxy();
            disk = disk(KAFKA_MEGABYTES);
            broker = KafkaBrokers.one(proxy, disk);
            toBroker.put("clients", proxy.to(broker.port()));
            setup = new Setup(wire, table, url, "127.0.0.1:" + proxy.port(), home, seed);
        } else {
            disk = disk(RABBIT_MEGABYTES);
            RabbitServer rabbit = disk == null ? RabbitServer.start() : RabbitServer.start(disk.path());
            broker = rabbit;
            toBroker.put("relays", new Proxy(broker.port()));
            toBroker.put("consumers", new Proxy(broker.port()));
            setup = new Setup(wire, table, url, rabbit.uri(), home, seed);
        }
        Tables.create(kind, database, setup, settled);
        if (wire == Wire.KAFKA) {
            createTopics();
        } else if (wire == Wire.RABBITMQ) {
            RabbitRoutes.declare(setup);
        }
    }

    /** Creates Kafka's topics if they do not exist. */
    void createTopics() throws Exception {
        KafkaBrokers.createTopics((KafkaServer) Objects.requireNonNull(broker), setup);
    }

    private static @Nullable SmallDisk disk(int megabytes) {
        return Processes.mayAdminister() ? SmallDisk.mount(megabytes) : null;
    }

    /** Fails if the database does not answer for {@value #LOGIN_SECONDS} seconds, for example because it is frozen. */
    Connection connect() throws SQLException {
        return connect(setup);
    }

    static Connection connect(Setup setup) throws SQLException {
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

    /** Waits until everything that was written is handled or dead; nothing may be written meanwhile. */
    void awaitDrained(Duration most) throws SQLException, InterruptedException, TimeoutException {
        String end = setup.wire().end();
        long deadline = System.nanoTime() + most.toNanos();
        long quietSince = 0;
        long effects = -1;
        long pending = -1;
        long movedAt = System.nanoTime();
        while (quietSince == 0 || System.nanoTime() - quietSince < QUIET.toNanos()) {
            long now = count("select count(*) from effects");
            long open = count("select count(*) from orders where status not in ('dead', '" + end + "')");
            if (open > 0 || now != effects) {
                quietSince = 0;
            } else if (quietSince == 0) {
                quietSince = System.nanoTime();
            }
            long waiting = count("select count(*) from orders where status = 'pending'");
            if (waiting == 0 || waiting != pending || now != effects) {
                movedAt = System.nanoTime();
            } else if (System.nanoTime() - movedAt > STUCK.toNanos()) {
                throw new TimeoutException(waiting + " events are pending, without progress for " + STUCK.toSeconds()
                        + " s; one of them is " + onePending());
            }
            pending = waiting;
            effects = now;
            if (System.nanoTime() > deadline) {
                throw new TimeoutException(open + " events were not handled within " + most);
            }
            Thread.sleep(300);
        }
    }

    private String onePending() throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "select event_id, attempts, last_error from orders where status = 'pending' order by id limit 1")) {
            return rows.next()
                    ? rows.getString(1) + " with " + rows.getInt(2) + " attempts, the last: " + rows.getString(3)
                    : "gone just now";
        }
    }

    /**
     * Restarts the broker if it is not running, and checks that it serves clients.
     *
     * @throws IllegalStateException if it does not serve clients yet
     */
    void startBroker() throws Exception {
        ServerProcess server = Objects.requireNonNull(broker);
        server.startAgain();
        if (server instanceof RabbitServer rabbit) {
            rabbit.control("await_startup");
            return;
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", setup.broker()))) {
            // The list contains only brokers that the controller has unfenced.
            int brokers = ((KafkaServer) server).brokers();
            if (admin.describeCluster().nodes().get(3, TimeUnit.SECONDS).size() < brokers) {
                throw new IllegalStateException("Kafka does not serve clients yet");
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

    void start(String role) {
        start(role, Map.of());
    }

    /**
     * Starts a process; every incarnation has its own name.
     *
     * @param settings for its environment
     */
    void start(String role, Map<String, String> settings) {
        String name = role + "." + incarnations.merge(role, 1, Integer::sum);
        String processes = role.startsWith("writer") ? "writers" : role.startsWith("relay") ? "relays" : "consumers";
        Class<?> main = switch (processes) {
            case "writers" -> WriterProcess.class;
            case "relays" -> RelayProcess.class;
            default -> ConsumerProcess.class;
        };
        Setup its = setup.through(databaseFor(processes), brokerFor(processes));
        List<String> arguments = new ArrayList<>(its.arguments());
        arguments.add(name);
        names.put(role, name);
        Map<String, String> environment = new HashMap<>(role.equals(SHIFTED) ? clock.environment() : Map.of());
        environment.putAll(settings);
        // With the local broker a relay also has consumers and their messages in its heap.
        List<String> options = role.equals(SMALL) && setup.wire() != Wire.LOCAL ? SMALL_HEAP : List.of();
        running.put(
                role,
                Processes.java(
                        name, setup.home(), planted, options, environment, main, arguments.toArray(String[]::new)));
    }

    private String databaseFor(String processes) {
        if (database == null) {
            return setup.url();
        }
        String url = database.url(
                "torture", Objects.requireNonNull(toDatabase.get(processes)).port());
        String user = kind == Database.MARIADB ? APPLICATION : CONSUMERS_USER;
        return kind == Database.MARIADB || processes.equals("consumers")
                ? url.replaceFirst("user=(root|postgres)", "user=" + user)
                : url;
    }

    private String brokerFor(String kind) {
        Proxy proxy = toBroker.get(kind);
        return proxy == null ? setup.broker() : "amqp://guest:guest@127.0.0.1:" + proxy.port();
    }

    /** The name of the current incarnation. */
    String name(String role) {
        return Objects.requireNonNull(names.get(role));
    }

    Process process(String role) {
        return Objects.requireNonNull(running.get(role));
    }

    /** Kills a process or shuts it down; either way it is gone afterwards. */
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

    /** Kills a process that will not be restarted. */
    void dismiss(String role) throws InterruptedException {
        end(role, true);
        running.remove(role);
    }

    /** The roles whose processes ended unexpectedly. */
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
