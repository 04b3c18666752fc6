package dev.posthaste.kafka;

import dev.posthaste.Route;
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

/** Topics of a route: its own, and its consumer group's dead-letter topic. Created on purpose, never by accident. */
public final class KafkaTopics {
    private static final Logger log = LoggerFactory.getLogger(KafkaTopics.class);

    /** What a dead letter's headers may need more than the message had. */
    private static final int ROOM_FOR_HEADERS = 65_536;

    private static final String LIMIT = "max.message.bytes";
    /** Whatever a source compressed well, its dead letter may be compressed worse. */
    private static final long DEAD_LETTER_LIMIT = 64L << 20;

    private static final long EARLIER_DEAD_LETTER_LIMIT = 1_114_124;

    /** Whoever creates topics waits for it, as no message does: a cluster that is just starting may take a minute. */
    private static final int PATIENCE_MILLIS = 90_000;

    private static final int REQUEST_MILLIS = 30_000;

    private static final int LOOK_MILLIS = 20;

    private KafkaTopics() {}

    /** Where a group's dead letters go. */
    public static String deadLetterTopic(String group) {
        return group + ".dead-letter";
    }

    /**
     * Creates what is not there yet: each route's topic with so many partitions, and a dead-letter topic with one, for
     * each group, which takes at least what its source takes. A topic that is there stays as it is; only a dead-letter topic
     * that an earlier version created gets the larger limit. When this returns, the brokers know the topics and each
     * partition has a leader: Kafka answers "created" a moment before that.
     *
     * @param partitions order is kept within a key because a key keeps to its partition: choose enough for years, for
     *     raising it later moves keys
     * @param replicas 3 in production, with {@code min.insync.replicas} 2; -1 for the brokers' default
     * @throws KafkaException if Kafka refuses or cannot be reached
     */
    public static void create(KafkaSettings settings, int partitions, int replicas, Route... routes) {
        Map<String, String> safe = replicas > 2 ? Map.of("min.insync.replicas", "2") : Map.of();
        Map<String, Object> patient = settings.adminProperties();
        patient.put("request.timeout.ms", REQUEST_MILLIS);
        patient.put("default.api.timeout.ms", PATIENCE_MILLIS);
        try (Admin admin = Admin.create(patient)) {
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
        }
    }

    /** The source's and room for the headers, but no less than {@link #DEAD_LETTER_LIMIT}: a limit costs nothing. */
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

    /** The largest message that a topic takes, its brokers' default included; 0 where that may not be asked. */
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

    /** A dead-letter topic that an earlier version created has the limit of that version, which nobody chose. */
    private static void raise(Admin admin, NewTopic topic) {
        String wanted = Objects.requireNonNull(topic.configs().get(LIMIT));
        if (limit(admin, topic.name()) == EARLIER_DEAD_LETTER_LIMIT) {
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic.name());
            AlterConfigOp change = new AlterConfigOp(new ConfigEntry(LIMIT, wanted), AlterConfigOp.OpType.SET);
            try {
                await(
                        "raise " + LIMIT + " of topic " + topic.name(),
                        admin.incrementalAlterConfigs(Map.of(resource, List.of(change)))
                                .all());
            } catch (KafkaException e) {
                log.warn(
                        "{}; to {} by hand, or dead letters of large messages lose their bodies",
                        e.getMessage(),
                        wanted);
            }
        }
    }

    private static void awaitLeaders(Admin admin, List<String> topics) {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
        try {
            while (!haveLeaders(admin, topics)) {
                if (System.nanoTime() > deadline) {
                    throw new KafkaException("Topics " + topics + " were created, but after " + PATIENCE_MILLIS
                            + " ms not all of their partitions have a leader");
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
