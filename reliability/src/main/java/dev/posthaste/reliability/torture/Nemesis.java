package dev.posthaste.reliability.torture;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ConnectionFactory;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Route;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.StatusJournal;
import dev.posthaste.rabbitmq.RabbitTopology;
import dev.posthaste.reliability.torture.Setup.Wire;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.Proxy;
import dev.posthaste.servers.RabbitServer;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;

/** The faults that can be done to a stage. Each has a beginning and an end, and between them the stage is left alone. */
final class Nemesis {
    private final Stage stage;
    private final Random random;

    Nemesis(Stage stage, Random random) {
        this.stage = stage;
        this.random = random;
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

    /** One of all that can be done here. What takes a server long to come back from is drawn less often than the rest. */
    Fault draw() {
        List<Fault> faults = faults();
        Fault drawn = faults.get(random.nextInt(faults.size()));
        boolean slow = drawn.kind().equals("broker killed") || drawn.kind().equals("broker restarted");
        return slow && random.nextInt(3) > 0 ? draw() : drawn;
    }

    /** All of them, each with its victim drawn anew. */
    private List<Fault> faults() {
        List<Fault> faults = new ArrayList<>();
        String relay = any(Stage.RELAYS);
        String consumer = any(Stage.CONSUMERS);
        processes(faults, relay, consumer);
        servers(faults);
        network(faults, "database", stage.toDatabase.get(any(List.copyOf(stage.toDatabase.keySet()))));
        network(faults, "broker", stage.toBroker.get(any(List.copyOf(stage.toBroker.keySet()))));
        faults.add(new Fault(
                "relay's clock stepped by two hours",
                "clock",
                Duration.ofSeconds(3),
                () -> stage.clock.step(random.nextBoolean() ? "+2h" : "-2h"),
                () -> stage.clock.step("+0s")));
        faults.add(new Fault("handlers fail", "mood", Duration.ofSeconds(3), () -> mood("0.5 0"), () -> mood("0 0")));
        faults.add(new Fault("handlers dawdle", "mood", Duration.ofSeconds(3), () -> mood("0 200"), () -> mood("0 0")));
        faults.add(new Fault(
                "lease row deleted", "lease", Duration.ZERO, () -> sql("delete from posthaste_lease"), () -> {}));
        faults.add(new Fault("dead rows put back", "dead", Duration.ZERO, this::requeue, () -> {}));
        if (stage.setup.wire() == Wire.RABBITMQ) {
            rabbit(faults, Objects.requireNonNull(stage.broker.rabbit()));
        }
        return faults;
    }

    private String any(List<String> of) {
        return of.get(random.nextInt(of.size()));
    }

    private void processes(List<Fault> faults, String relay, String consumer) {
        for (String role : List.of(relay, consumer, Stage.WRITER)) {
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
        for (String role : List.of(relay, consumer)) {
            faults.add(new Fault(
                    role.replaceFirst("-.*", "") + " asked to end",
                    role,
                    Duration.ofSeconds(1),
                    () -> stage.end(role, false),
                    () -> stage.start(role)));
        }
    }

    private void servers(List<Fault> faults) {
        faults.add(new Fault(
                "broker killed",
                "broker",
                Duration.ofSeconds(2),
                stage.broker.kill()::run,
                stage.broker.startAgain()::run));
        faults.add(new Fault(
                "broker restarted", "broker", Duration.ZERO, stage.broker.stop()::run, stage.broker.startAgain()::run));
        faults.add(new Fault(
                "broker frozen",
                "broker",
                Duration.ofSeconds(5),
                () -> stage.broker.signal().accept("STOP"),
                () -> stage.broker.signal().accept("CONT")));
        faults.add(new Fault(
                "database killed",
                "database",
                Duration.ofSeconds(1),
                stage.database::kill,
                stage.database::startAgain));
        faults.add(new Fault(
                "database restarted", "database", Duration.ZERO, stage.database::stop, stage.database::startAgain));
        faults.add(new Fault(
                "database frozen",
                "database",
                Duration.ofSeconds(5),
                () -> stage.database.signal("STOP"),
                () -> stage.database.signal("CONT")));
    }

    private void network(List<Fault> faults, String to, @org.jspecify.annotations.Nullable Proxy drawn) {
        Proxy proxy = Objects.requireNonNull(drawn);
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
