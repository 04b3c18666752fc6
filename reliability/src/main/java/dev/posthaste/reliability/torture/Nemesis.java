package dev.posthaste.reliability.torture;

import dev.posthaste.servers.DatabaseProcess;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.Proxy;
import dev.posthaste.servers.RabbitServer;
import dev.posthaste.servers.ServerProcess;
import dev.posthaste.servers.SmallDisk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The faults that can happen to a testbed. Each has a beginning and an end; after it come recovery and a calm phase.
 */
final class Nemesis {
    /** A fault that affects everything is not combined with others. */
    static final String EVERYTHING = "everything";

    static final String FULL_DISK = "broker's disk full";

    /** Longer than the silence after which a connection counts as slow, and half of that after which it is closed. */
    static final String SLOW_CONFIRMS = "confirms take 3 s";

    private static final Set<String> SLOW = Set.of(
            "broker killed",
            "broker restarted",
            FULL_DISK,
            "topic deleted and made again",
            KafkaFaults.TOO_FEW_REPLICAS,
            SLOW_CONFIRMS,
            "producers throttled by a quota",
            "queue full and refusing messages",
            "database read-only",
            "relays of the version before");

    /** The time within which a relay registers itself. */
    private static final Duration START = Duration.ofSeconds(3);

    private final Testbed stage;
    private final HandlerFaults handlers;
    private final DatabaseFaults inDatabase;
    private final LongFaults forLong;
    private final Consumer<List<Fault>> onBroker;
    private final Random random;
    private final Kinds kinds;
    private int bursts;

    /**
     * @param topic receives what Kafka's topic contains before it is deleted
     * @param kinds that may be drawn
     */
    Nemesis(Testbed stage, Topic topic, Random random, Kinds kinds) {
        this.stage = stage;
        this.random = random;
        this.kinds = kinds;
        this.handlers = new HandlerFaults(stage);
        this.inDatabase = new DatabaseFaults(stage, random);
        this.forLong = new LongFaults(stage, inDatabase);
        if (stage.broker instanceof RabbitServer rabbit) {
            this.onBroker = new RabbitFaults(stage, rabbit, random)::add;
        } else if (stage.broker != null) {
            this.onBroker = new KafkaFaults(stage, topic, random)::add;
        } else {
            this.onBroker = faults -> {};
        }
    }

    /**
     * Draws faults that can overlap. Slow ones are drawn less often than the rest.
     *
     * @param most how many; fewer if there are fewer, and none while none is possible
     */
    List<Fault> draw(int most) throws Exception {
        forLong.endWhatIsDue();
        List<Fault> drawn = new ArrayList<>();
        Set<String> touched = new HashSet<>();
        for (int tries = 0; drawn.size() < most && tries < 20 || drawn.isEmpty(); tries++) {
            Fault fault = draw();
            if (fault == null) {
                return List.of();
            }
            if (fault.of().equals(EVERYTHING)) {
                return List.of(fault);
            }
            if (touched.add(fault.of())) {
                drawn.add(fault);
            }
        }
        return drawn;
    }

    /** Ends transactions that outlast their fault. */
    void endLasting() throws Exception {
        inDatabase.endLasting();
        forLong.endIdle();
    }

    /** The kinds named on the command line that do not exist here: misspelt, or another broker's. */
    List<String> unknownKinds() {
        if (kinds.only().isEmpty() && kinds.without().isEmpty()) {
            return List.of(); // without drawing random numbers
        }
        Set<String> known = faults().stream().map(Fault::kind).collect(Collectors.toSet());
        return Stream.concat(kinds.only().stream(), kinds.without().stream())
                .filter(kind -> !known.contains(kind))
                .sorted()
                .toList();
    }

    /** @return null if all of them would disturb an idle transaction */
    private @Nullable Fault draw() {
        List<Fault> faults = faults();
        faults.removeIf(fault -> !kinds.allow(fault.kind()));
        if (faults.isEmpty()) {
            throw new IllegalArgumentException(
                    "None of these faults is possible here: " + kinds.only() + "; the faults are "
                            + faults().stream().map(Fault::kind).distinct().toList());
        }
        faults.removeIf(fault -> !forLong.allow(fault.kind()));
        if (faults.isEmpty()) {
            return null;
        }
        Fault drawn = faults.get(random.nextInt(faults.size()));
        return kinds.only().isEmpty() && SLOW.contains(drawn.kind()) && random.nextInt(3) > 0 ? draw() : drawn;
    }

    /** All faults, each with a newly drawn victim. */
    private List<Fault> faults() {
        List<Fault> faults = new ArrayList<>();
        String relay = any(Testbed.RELAYS);
        processes(faults, relay, stage.consumers.isEmpty() ? null : any(stage.consumers));
        broker(faults);
        database(faults);
        handlers.add(faults);
        inDatabase.add(faults);
        forLong.add(faults);
        onBroker.accept(faults);
        faults.add(Fault.atOnce("large events in one transaction", "writes", () -> Burst.LARGE.write(stage, ++bursts)));
        if (stage.setup.wire().tracks()) {
            faults.add(new Fault(
                    "relays of the version before",
                    EVERYTHING,
                    Duration.ofSeconds(8),
                    () -> replaceRelays(Map.of(RelayProcess.OLDER, "yes")),
                    () -> replaceRelays(Map.of())));
        }
        return faults;
    }

    /** Replaces all but one, and shuts that one down last, so that one of the others takes over. */
    private void replaceRelays(Map<String, String> settings) throws InterruptedException {
        String last = Testbed.RELAYS.get(0);
        for (String relay : Testbed.RELAYS) {
            if (!relay.equals(last)) {
                stage.end(relay, true);
                stage.start(relay, settings);
            }
        }
        Thread.sleep(START.toMillis());
        stage.end(last, false);
        stage.start(last);
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
        confirms(faults);
        if (stage.toBroker.isEmpty()) {
            return; // clients connect to a cluster's brokers directly
        }
        network(faults, "broker", broker.port(), stage.toBroker.get(any(List.copyOf(stage.toBroker.keySet()))));
    }

    /** Delays the confirms that relays wait for, if relays have their own proxy to the broker. */
    private void confirms(List<Fault> faults) {
        Proxy proxy = stage.toBroker.get("relays");
        if (proxy != null) {
            faults.add(new Fault(
                    SLOW_CONFIRMS,
                    "network to the broker",
                    Duration.ofSeconds(20),
                    () -> proxy.delayAnswers(3_000),
                    proxy::heal));
        }
    }

    private void database(List<Fault> faults) {
        DatabaseProcess database = stage.database;
        SmallDisk disk = stage.databaseDisk;
        if (disk != null) {
            faults.add(new Fault("database's disk full", "database", Duration.ofSeconds(3), disk::fill, disk::free));
        }
        if (database == null) {
            return; // nor does a file have its own clock
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

    /** @param consumer null if the consumers are in the relays */
    private void processes(List<Fault> faults, String relay, @Nullable String consumer) {
        for (String role : roles(relay, consumer, Testbed.WRITER)) {
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

    private void server(List<Fault> faults, String name, ServerProcess server, Duration away, Fault.Action startAgain) {
        faults.add(new Fault(name + " killed", name, away, server::kill, startAgain));
        faults.add(new Fault(name + " restarted", name, Duration.ZERO, server::stop, startAgain));
        faults.add(new Fault(
                name + " frozen",
                name,
                Duration.ofSeconds(5),
                () -> server.signal("STOP"),
                () -> server.signal("CONT")));
    }

    /** Whoever frees the disk restarts the broker, which may have ended or be only partly alive. */
    private void fullDisk(List<Fault> faults, ServerProcess broker, SmallDisk disk) {
        faults.add(new Fault(FULL_DISK, "broker", Duration.ofSeconds(3), disk::fill, () -> {
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
}
