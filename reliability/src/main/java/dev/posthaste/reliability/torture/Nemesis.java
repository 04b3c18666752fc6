package dev.posthaste.reliability.torture;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ConnectionFactory;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Route;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.StatusJournal;
import dev.posthaste.kafka.KafkaTopics;
import dev.posthaste.rabbitmq.RabbitTopology;
import dev.posthaste.servers.DatabaseProcess;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.Proxy;
import dev.posthaste.servers.RabbitServer;
import dev.posthaste.servers.ServerProcess;
import dev.posthaste.servers.SmallDisk;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.jspecify.annotations.Nullable;

/** The faults that can be done to a stage. Each has a beginning and an end, and between them the stage is left alone. */
final class Nemesis {
    /** What is done to everything is done alone. */
    static final String EVERYTHING = "everything";

    private static final Set<String> SLOW =
            Set.of("broker killed", "broker restarted", "broker's disk full", "topic deleted and made again");

    private final Stage stage;
    private final Topic topic;
    private final Random random;
    private final Set<String> only;
    private final Set<String> without;

    /**
     * @param topic takes in what Kafka's topic holds before that is deleted
     * @param only the kinds to be drawn; empty for all
     * @param without kinds that are not drawn
     */
    Nemesis(Stage stage, Topic topic, Random random, Set<String> only, Set<String> without) {
        this.stage = stage;
        this.topic = topic;
        this.random = random;
        this.only = only;
        this.without = without;
    }

    /** What may fail while it is done. */
    @FunctionalInterface
    interface Action {
        void run() throws Exception;
    }

    /**
     * A kind of fault.
     *
     * @param of what it is done to; two faults of the same are not done at once
     * @param most the longest time between its beginning and its end
     */
    record Fault(String kind, String of, Duration most, Action begin, Action end) {}

    /**
     * Some that can be done at the same time. What takes a server long to come back from is drawn less often than the rest.
     *
     * @param most how many; fewer where there are not so many
     */
    List<Fault> draw(int most) {
        List<Fault> drawn = new ArrayList<>();
        Set<String> touched = new HashSet<>();
        for (int tries = 0; drawn.size() < most && tries < 20 || drawn.isEmpty(); tries++) {
            Fault fault = draw();
            if (fault.of().equals(EVERYTHING)) {
                return List.of(fault);
            }
            if (touched.add(fault.of())) {
                drawn.add(fault);
            }
        }
        return drawn;
    }

    /** What was named to be done, or not to be done, and is not known here: misspelt, or another broker's. */
    List<String> unknownKinds() {
        if (only.isEmpty() && without.isEmpty()) {
            return List.of(); // and nothing is drawn for it
        }
        Set<String> kinds = faults().stream().map(Fault::kind).collect(Collectors.toSet());
        return Stream.concat(only.stream(), without.stream())
                .filter(kind -> !kinds.contains(kind))
                .sorted()
                .toList();
    }

    private Fault draw() {
        List<Fault> faults = faults();
        faults.removeIf(fault -> (!only.isEmpty() && !only.contains(fault.kind())) || without.contains(fault.kind()));
        if (faults.isEmpty()) {
            throw new IllegalArgumentException("None of these faults can be done here: " + only + "; there are "
                    + faults().stream().map(Fault::kind).distinct().toList());
        }
        Fault drawn = faults.get(random.nextInt(faults.size()));
        return only.isEmpty() && SLOW.contains(drawn.kind()) && random.nextInt(3) > 0 ? draw() : drawn;
    }

    /** All of them, each with its victim drawn anew. */
    private List<Fault> faults() {
        List<Fault> faults = new ArrayList<>();
        String relay = any(Stage.RELAYS);
        processes(faults, relay, stage.consumers.isEmpty() ? null : any(stage.consumers));
        broker(faults);
        database(faults);
        faults.add(new Fault("handlers fail", "mood", Duration.ofSeconds(3), () -> mood("0.5 0"), () -> mood("0 0")));
        faults.add(new Fault("handlers dawdle", "mood", Duration.ofSeconds(3), () -> mood("0 200"), () -> mood("0 0")));
        faults.add(new Fault(
                "lease row deleted", "lease", Duration.ZERO, () -> sql("delete from posthaste_lease"), () -> {}));
        faults.add(new Fault("dead rows put back", "dead", Duration.ZERO, this::requeue, () -> {}));
        if (stage.broker instanceof RabbitServer rabbit) {
            rabbit(faults, rabbit);
        } else if (stage.broker != null) {
            faults.add(new Fault(
                    "topic deleted and made again",
                    EVERYTHING,
                    Duration.ofSeconds(4),
                    this::deleteTopic,
                    () -> KafkaTopics.create(
                            stage.setup.kafka(),
                            Stage.PARTITIONS,
                            1,
                            stage.setup.wire().route())));
        }
        return faults;
    }

    private String any(List<String> of) {
        return of.get(random.nextInt(of.size()));
    }

    private void broker(List<Fault> faults) {
        ServerProcess broker = stage.broker;
        if (broker == null) {
            return;
        }
        server(faults, "broker", broker, Duration.ofSeconds(2), stage::startBroker);
        if (stage.disk != null) {
            fullDisk(faults, broker, stage.disk);
        }
        network(faults, "broker", broker.port(), stage.toBroker.get(any(List.copyOf(stage.toBroker.keySet()))));
    }

    private void database(List<Fault> faults) {
        DatabaseProcess database = stage.database;
        SmallDisk disk = stage.databaseDisk;
        if (disk != null) {
            faults.add(new Fault("database's disk full", "database", Duration.ofSeconds(3), disk::fill, disk::free));
        }
        if (database == null) {
            return; // nor has a file a clock of its own
        }
        server(faults, "database", database, Duration.ofSeconds(1), database::startAgain);
        network(faults, "database", database.port(), stage.toDatabase.get(any(List.copyOf(stage.toDatabase.keySet()))));
        faults.add(new Fault(
                "relay's clock stepped by two hours",
                "clock",
                Duration.ofSeconds(3),
                () -> stage.clock.step(random.nextBoolean() ? "+2h" : "-2h"),
                () -> stage.clock.step("+0s")));
        faults.add(new Fault(
                "database slow for everybody",
                "network to the database",
                Duration.ofSeconds(4),
                () -> {
                    int millis = 10 + random.nextInt(50);
                    stage.toDatabase.values().forEach(proxy -> proxy.slow(millis, 0));
                },
                () -> stage.toDatabase.values().forEach(Proxy::heal)));
    }

    /** @param consumer null where the relays have them */
    private void processes(List<Fault> faults, String relay, @Nullable String consumer) {
        for (String role : roles(relay, consumer, Stage.WRITER)) {
            String kind = role.replaceFirst("-.*", "");
            faults.add(new Fault(
                    kind + " killed",
                    role,
                    Duration.ofSeconds(1),
                    () -> stage.end(role, true),
                    () -> stage.start(role)));
            faults.add(new Fault(
                    kind + " stopped past the lease",
                    role,
                    Setup.LEASE.multipliedBy(2),
                    () -> Processes.signal("STOP", stage.process(role).pid()),
                    () -> Processes.signal("CONT", stage.process(role).pid())));
        }
        for (String role : roles(relay, consumer)) {
            faults.add(new Fault(
                    role.replaceFirst("-.*", "") + " asked to end",
                    role,
                    Duration.ofSeconds(1),
                    () -> stage.end(role, false),
                    () -> stage.start(role)));
        }
    }

    private static List<String> roles(@Nullable String... roles) {
        return Stream.of(roles).filter(Objects::nonNull).toList();
    }

    private void server(List<Fault> faults, String name, ServerProcess server, Duration away, Action startAgain) {
        faults.add(new Fault(name + " killed", name, away, server::kill, startAgain));
        faults.add(new Fault(name + " restarted", name, Duration.ZERO, server::stop, startAgain));
        faults.add(new Fault(
                name + " frozen",
                name,
                Duration.ofSeconds(5),
                () -> server.signal("STOP"),
                () -> server.signal("CONT")));
    }

    /** Who has the disk emptied starts the broker again: it may have ended, or be half of what it was. */
    private void fullDisk(List<Fault> faults, ServerProcess broker, SmallDisk disk) {
        faults.add(new Fault("broker's disk full", "broker", Duration.ofSeconds(3), disk::fill, () -> {
            disk.free();
            broker.kill();
            stage.startBroker();
        }));
    }

    private void network(List<Fault> faults, String to, int server, @Nullable Proxy drawn) {
        Proxy proxy = Objects.requireNonNull(drawn);
        if (Processes.mayAdminister()) {
            String port = ":" + (random.nextBoolean() ? proxy.port() : server);
            faults.add(new Fault(
                    "connections to the " + to + " ended by the kernel",
                    "network to the " + to,
                    Duration.ZERO,
                    () -> Processes.run(
                            stage.setup.home(), "ss", "-K", "-t", "dport", "=", port, "or", "sport", "=", port),
                    () -> {}));
        }
        String of = "network to the " + to;
        faults.add(new Fault("connections to the " + to + " reset", of, Duration.ZERO, proxy::reset, () -> {}));
        faults.add(new Fault(
                "answers of the " + to + " cut off",
                of,
                Duration.ofMillis(1500),
                () -> proxy.cutAnswers(true),
                proxy::heal));
        faults.add(new Fault(
                "network to the " + to + " frozen both ways",
                of,
                Duration.ofSeconds(6),
                () -> proxy.hold(true, true),
                proxy::heal));
        faults.add(new Fault(
                "network to the " + to + " frozen one way",
                of,
                Duration.ofSeconds(6),
                () -> proxy.hold(random.nextBoolean(), true),
                proxy::heal));
        faults.add(new Fault(
                "network to the " + to + " slow",
                of,
                Duration.ofSeconds(4),
                () -> proxy.slow(20 + random.nextInt(100), 0),
                proxy::heal));
        faults.add(new Fault(
                "network to the " + to + " a trickle",
                of,
                Duration.ofSeconds(4),
                () -> proxy.slow(0, 20_000),
                proxy::heal));
    }

    private void rabbit(List<Fault> faults, RabbitServer server) {
        Route route = stage.setup.wire().route();
        faults.add(new Fault(
                "broker's disk alarm",
                "broker",
                Duration.ofSeconds(4),
                () -> server.control("set_disk_free_limit", "1000000000000000"),
                () -> server.control("set_disk_free_limit", "50000000")));
        faults.add(new Fault(
                "broker's memory alarm",
                "broker",
                Duration.ofSeconds(4),
                () -> server.control("set_vm_memory_high_watermark", "0"),
                () -> server.control("set_vm_memory_high_watermark", "0.4")));
        faults.add(new Fault(
                "queue unbound",
                "topology",
                Duration.ofSeconds(2),
                () -> channel(channel -> channel.queueUnbind(route.group(), route.destination(), route.routingKey())),
                this::declare));
        faults.add(new Fault(
                "exchange deleted",
                "topology",
                Duration.ofSeconds(2),
                () -> channel(channel -> channel.exchangeDelete(route.destination())),
                this::declare));
    }

    /** What is done on a channel of RabbitMQ's. */
    private interface Work {
        void on(Channel channel) throws Exception;
    }

    private void channel(Work work) throws Exception {
        ConnectionFactory factory = new ConnectionFactory();
        factory.setUri(stage.setup.broker());
        try (com.rabbitmq.client.Connection connection = factory.newConnection("nemesis");
                Channel channel = connection.createChannel()) {
            work.on(channel);
        }
    }

    private void declare() throws Exception {
        RabbitTopology.declare(stage.setup.rabbit(), stage.setup.wire().route());
    }

    /**
     * All that it holds is handled and read first, since what nobody has handled would be lost with it; what comes while it
     * is away waits.
     */
    private void deleteTopic() throws Exception {
        stage.end(Stage.WRITER, true);
        try {
            stage.awaitDrained(Duration.ofMinutes(2));
            topic.read(stage.setup);
            String name = stage.setup.wire().route().destination();
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", stage.setup.broker()))) {
                topic.deleted();
                admin.deleteTopics(List.of(name)).all().get(30, TimeUnit.SECONDS);
                long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
                while (admin.listTopics().names().get(30, TimeUnit.SECONDS).contains(name)) {
                    if (System.nanoTime() > deadline) {
                        throw new IllegalStateException("Topic " + name + " is still there 30 s after it was deleted");
                    }
                    Thread.sleep(20);
                }
            }
        } finally {
            stage.start(Stage.WRITER);
        }
    }

    private void sql(String sql) throws Exception {
        try (Connection connection = stage.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private void requeue() throws Exception {
        try (HikariDataSource pool = stage.setup.pool(2);
                Connection connection = pool.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select id from orders where status = 'dead'")) {
            List<Long> dead = new ArrayList<>();
            while (rows.next()) {
                dead.add(rows.getLong(1));
            }
            new StatusJournal(
                            pool, Dialect.of(connection), stage.setup.catalog().outbox("orders"))
                    .requeue(dead);
        }
    }

    private void mood(String mood) throws Exception {
        var file = stage.setup.home().resolve(ConsumerProcess.MOOD);
        Files.writeString(file.resolveSibling("next-mood"), mood);
        Files.move(
                file.resolveSibling("next-mood"),
                file,
                StandardCopyOption.REPLACE_EXISTING,
                StandardCopyOption.ATOMIC_MOVE);
    }
}
