package dev.posthaste.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.TopicExistsException;
import org.jspecify.annotations.Nullable;

/**
 * A Kafka for tests: one or several brokers in KRaft mode, each a separate process on free ports. It ends with the JVM.
 * {@code POSTHASTE_TEST_KAFKA} names bootstrap servers to use instead; those cannot be stopped from here.
 *
 * <p>Its brokers create topics on demand, which is Kafka's default: code that must not create topics has to prove it
 * here.
 */
public final class KafkaServer implements ServerProcess {
    private static @Nullable KafkaServer shared;

    private final List<Node> nodes = new ArrayList<>();
    private final @Nullable String external;

    private KafkaServer(@Nullable String external) {
        this.external = external;
    }

    /** The server that all tests of this JVM share, started if necessary. */
    public static synchronized KafkaServer shared() {
        if (shared == null) {
            String named = System.getenv("POSTHASTE_TEST_KAFKA");
            shared = named == null || named.isBlank() ? start(1, Map.of()) : new KafkaServer(named);
        }
        return shared;
    }

    /**
     * A separate server.
     *
     * @param brokers how many
     * @param properties of every broker, overriding those set here; in a value, {@code PORT} and {@code
     *     CONTROLLER_PORT} stand for the broker's ports
     */
    public static KafkaServer start(int brokers, Map<String, String> properties) {
        KafkaServer server = new KafkaServer(null);
        String cluster = Uuid.randomUuid().toString();
        List<Integer> controllers =
                IntStream.range(0, brokers).mapToObj(i -> Ports.free()).toList();
        String voters = IntStream.range(0, brokers)
                .mapToObj(i -> (i + 1) + "@127.0.0.1:" + controllers.get(i))
                .collect(Collectors.joining(","));
        for (int i = 0; i < brokers; i++) {
            server.nodes.add(new Node(cluster, i + 1, controllers.get(i), voters, Math.min(brokers, 3), properties));
        }
        server.startAgain();
        return server;
    }

    /** The port of the first broker. */
    @Override
    public int port() {
        return nodes.get(0).port;
    }

    /** Stops every broker. */
    @Override
    public void stop() {
        requireOwn();
        nodes.forEach(Node::stop);
    }

    /** The list of brokers, in the format that clients expect. */
    public String bootstrap() {
        return external != null
                ? external
                : nodes.stream().map(node -> "127.0.0.1:" + node.port).collect(Collectors.joining(","));
    }

    /** Starts the brokers that are not running. */
    @Override
    public void startAgain() {
        nodes.forEach(Node::launch);
        nodes.forEach(Node::awaitListening);
    }

    /** Kills every broker. */
    @Override
    public void kill() {
        requireOwn();
        nodes.forEach(Node::kill);
    }

    /** Sends a signal to every broker. */
    @Override
    public void signal(String signal) {
        requireOwn();
        nodes.forEach(node -> node.signal(signal));
    }

    public int brokers() {
        return nodes.size();
    }

    /** Kills one broker, as a power failure would; {@link #startAgain} restarts it. */
    public void killBroker(int index) {
        requireOwn();
        nodes.get(index).kill();
    }

    /** Shuts one broker down; {@link #startAgain} restarts it. */
    public void stopBroker(int index) {
        requireOwn();
        nodes.get(index).stop();
    }

    private void requireOwn() {
        if (external != null) {
            throw new IllegalStateException(
                    "This test kills or freezes Kafka, so it needs a separate one: unset POSTHASTE_TEST_KAFKA");
        }
    }

    @Override
    public void close() {
        nodes.forEach(Node::kill);
    }

    /** One broker's process. */
    private static final class Node {
        private final String cluster;
        private final Path home;
        private final int port = Ports.free();
        private @Nullable Process process;

        Node(String cluster, int id, int controller, String voters, int replicas, Map<String, String> properties) {
            this.cluster = cluster;
            Map<String, String> all = new LinkedHashMap<>();
            all.put("process.roles", "broker,controller");
            all.put("node.id", Integer.toString(id));
            all.put("controller.quorum.voters", voters);
            all.put("listeners", "PLAINTEXT://127.0.0.1:PORT,CONTROLLER://127.0.0.1:CONTROLLER_PORT");
            all.put("advertised.listeners", "PLAINTEXT://127.0.0.1:PORT");
            all.put("controller.listener.names", "CONTROLLER");
            for (String topic : List.of("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")) {
                all.put(topic + ".replication.factor", Integer.toString(replicas));
            }
            all.put("transaction.state.log.min.isr", "1");
            all.put("offsets.topic.num.partitions", "5");
            all.put("group.initial.rebalance.delay.ms", "0");
            all.put("log.cleaner.dedupe.buffer.size", "4194304");
            all.put("auto.create.topics.enable", "true");
            all.putAll(properties);
            try {
                this.home = Files.createTempDirectory("posthaste-kafka-");
                all.putIfAbsent("log.dirs", home.resolve("data").toString());
                Files.writeString(
                        home.resolve("server.properties"),
                        all.entrySet().stream()
                                .map(each -> each.getKey() + "="
                                        + each.getValue()
                                                .replace("CONTROLLER_PORT", Integer.toString(controller))
                                                .replace("PORT", Integer.toString(port)))
                                .collect(Collectors.joining("\n")));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            Processes.deleteOnExit(home);
        }

        void launch() {
            if (process == null || !process.isAlive()) {
                List<String> command = Processes.java("-Xmx320m");
                command.addAll(Processes.likeThisJvm());
                command.addAll(List.of(
                        "-cp",
                        System.getProperty("java.class.path"),
                        KafkaNode.class.getName(),
                        cluster,
                        home.resolve("server.properties").toString()));
                process = Processes.start(
                        "kafka", home, home.resolve("out.log"), Map.of(), command.toArray(String[]::new));
            }
        }

        void awaitListening() {
            Ports.awaitListening("Kafka", port, Duration.ofMinutes(4), Objects.requireNonNull(process), home);
        }

        void kill() {
            if (process != null) {
                process.destroyForcibly();
                process.onExit().join();
                process = null;
            }
        }

        void stop() {
            if (process != null) {
                process.destroy();
                try {
                    if (!process.waitFor(20, java.util.concurrent.TimeUnit.SECONDS)) {
                        kill();
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                process = null;
            }
        }

        void signal(String signal) {
            if (process != null) {
                Processes.signal(signal, process.pid());
            }
        }
    }

    /** Creates a topic if it does not exist, and waits until it can be used. */
    public void createTopic(String topic, int partitions) {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap()))) {
            admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1)))
                    .all()
                    .get();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw new IllegalStateException("Topic " + topic + " cannot be created", e);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        awaitTopics(bootstrap(), topic);
    }

    /** Waits until these topics exist and every partition has a leader. */
    public static void awaitTopics(String bootstrap, String... topics) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            while (!haveLeaders(admin, List.of(topics))) {
                if (System.nanoTime() - end > 0) {
                    throw new IllegalStateException("These topics were not created: " + List.of(topics));
                }
                TimeUnit.MILLISECONDS.sleep(20);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static boolean haveLeaders(Admin admin, List<String> topics) throws InterruptedException {
        try {
            return admin.describeTopics(topics).allTopicNames().get().values().stream()
                    .flatMap(topic -> topic.partitions().stream())
                    .allMatch(partition ->
                            partition.leader() != null && !partition.leader().isEmpty());
        } catch (ExecutionException e) {
            return false;
        }
    }
}
