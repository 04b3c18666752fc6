package dev.posthaste.kafka;

import dev.posthaste.Route;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Creates the topics of a route: its own, and its consumer group's dead-letter topic. Thread-safe. */
final class KafkaTopics {
    private static final Logger log = LoggerFactory.getLogger(KafkaTopics.class);

    /** How much larger a dead letter's headers may be than those of the message. */
    private static final int ROOM_FOR_HEADERS = 65_536;

    private static final String LIMIT = "max.message.bytes";
    /** Generous, because a dead letter may not be compressed as well as the message was. */
    private static final long DEAD_LETTER_LIMIT = 64L << 20;

    private static final long EARLIER_DEAD_LETTER_LIMIT = 1_114_124;

    /** Long, because no message waits for this, and a cluster that is starting may take a minute. */
    private static final int PATIENCE_MILLIS = 90_000;

    private static final int REQUEST_MILLIS = 30_000;

    private static final int LOOK_MILLIS = 20;

    private KafkaTopics() {}

    /** The topic of a group's dead letters. */
    static String deadLetterTopic(String group) {
        return group + ".dead-letter";
    }

    /**
     * Creates the topics that do not exist yet: each route's topic with this many partitions, and for each group a
     * dead-letter topic with one partition, which accepts messages at least as large as its source does. An existing
     * topic stays as it is, except that a dead-letter topic created by an earlier version gets the larger limit. When
     * this returns, every partition has a leader; Kafka itself reports a topic as created a moment earlier.
     *
     * @param partitions choose enough for years: a key's order depends on its partition, and raising the number later
     *     moves keys to other partitions
     * @param replicas 3 in production, with {@code min.insync.replicas} 2; -1 for the brokers' default
     * @throws KafkaException if Kafka refuses or cannot be reached
     */
    static void create(KafkaSettings settings, int partitions, int replicas, Route... routes) {
        Map<String, String> safe = replicas > 2 ? Map.of("min.insync.replicas", "2") : Map.of();
        Map<String, Object> patient = settings.adminProperties();
        patient.put("request.timeout.ms", REQUEST_MILLIS);
        patient.put("default.api.timeout.ms", PATIENCE_MILLIS);
        Admin admin = Admin.create(patient);
        try {
            List<NewTopic> sources = new ArrayList<>();
            for (Route route : routes) {
                sources.add(new NewTopic(route.destination(), partitions, (short) replicas).configs(safe));
            }
            create(admin, sources);
            List<NewTopic> deadLetters = new ArrayList<>();
            for (Route route : routes) {
                String group = route.group();
                if (group != null) {
                    Map<String, String> roomy = new HashMap<>(safe);
                    roomy.put(LIMIT, Long.toString(deadLetterLimit(limit(admin, route.destination()))));
                    roomy.put("retention.ms", "-1");
                    deadLetters.add(new NewTopic(deadLetterTopic(group), 1, (short) replicas).configs(roomy));
                }
            }
            create(admin, deadLetters);
            deadLetters.forEach(topic -> raise(admin, topic));
        } finally {
            admin.close(Duration.ZERO); // close() would wait for a cluster that does not answer
        }
    }

    /** The source's limit and room for the headers, but at least {@link #DEAD_LETTER_LIMIT}: a limit costs nothing. */
    private static long deadLetterLimit(long source) {
        return Math.min(Integer.MAX_VALUE, Math.max(DEAD_LETTER_LIMIT, source + ROOM_FOR_HEADERS));
    }

    private static void create(Admin admin, List<NewTopic> topics) {
        if (topics.isEmpty()) {
            return;
        }
        admin.createTopics(topics).values().forEach((topic, created) -> {
            try {
                await("create topic " + topic, created);
            } catch (KafkaException e) {
                if (!(e.getCause() instanceof TopicExistsException)) {
                    throw e;
                }
            }
        });
        awaitLeaders(admin, topics.stream().map(NewTopic::name).toList());
    }

    /** The largest message that a topic accepts, by its own setting or the brokers'; 0 if this client may not ask. */
    private static long limit(Admin admin, String topic) {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try {
            Config config = await(
                            "look up topic " + topic,
                            admin.describeConfigs(List.of(resource)).all())
                    .get(resource);
            ConfigEntry entry = config == null ? null : config.get(LIMIT);
            return entry == null || entry.value() == null ? 0 : Long.parseLong(entry.value());
        } catch (KafkaException e) {
            if (e.getCause() instanceof AuthorizationException) {
                return 0;
            }
            throw e;
        }
    }

    /**
     * Raises the limit of a dead-letter topic if it is the one that an earlier version set, because no operator chose
     * that one.
     */
    private static void raise(Admin admin, NewTopic topic) {
        String limit = Objects.requireNonNull(topic.configs().get(LIMIT));
        if (limit(admin, topic.name()) == EARLIER_DEAD_LETTER_LIMIT) {
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic.name());
            AlterConfigOp change = new AlterConfigOp(new ConfigEntry(LIMIT, limit), AlterConfigOp.OpType.SET);
            try {
                await(
                        "raise " + LIMIT + " of topic " + topic.name(),
                        admin.incrementalAlterConfigs(Map.of(resource, List.of(change)))
                                .all());
            } catch (KafkaException e) {
                log.warn(
                        "{}. Set it to {}, or dead letters of large messages lose their bodies", e.getMessage(), limit);
            }
        }
    }

    private static void awaitLeaders(Admin admin, List<String> topics) {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
        try {
            while (!haveLeaders(admin, topics)) {
                if (System.nanoTime() > deadline) {
                    throw new KafkaException(
                            "Topics " + topics + " were created, but not all of their partitions have a leader after "
                                    + PATIENCE_MILLIS / 1_000 + " s");
                }
                TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KafkaException("Interrupted while waiting for topics " + topics, e);
        }
    }

    private static boolean haveLeaders(Admin admin, List<String> topics) throws InterruptedException {
        try {
            return admin.describeTopics(topics).allTopicNames().get().values().stream()
                    .flatMap(topic -> topic.partitions().stream())
                    .allMatch(partition ->
                            partition.leader() != null && !partition.leader().isEmpty());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RetriableException) {
                return false;
            }
            throw new KafkaException("Cannot look up topics " + topics + ": " + e.getCause(), e.getCause());
        }
    }

    private static <T> T await(String what, KafkaFuture<T> answer) {
        try {
            return answer.get();
        } catch (ExecutionException e) {
            throw new KafkaException("Cannot " + what + ": " + e.getCause(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KafkaException("Interrupted: cannot " + what, e);
        }
    }
}
