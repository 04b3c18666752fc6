package dev.posthaste.kafka;

import dev.posthaste.Route;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;

/** Topics of a route: its own, and its consumer group's dead-letter topic. Created on purpose, never by accident. */
public final class KafkaTopics {
    /** What a dead letter's headers may need more than the message had. */
    private static final int ROOM_FOR_HEADERS = 65_536;

    /** Whoever creates topics waits for it, as no message does: a cluster that is just starting may take a minute. */
    private static final int PATIENCE_MILLIS = 90_000;

    private static final int REQUEST_MILLIS = 30_000;

    private static final int LOOK_MILLIS = 20;

    private static final int DEFAULT_LIMIT = 1_048_588;

    private KafkaTopics() {}

    /** Where a group's dead letters go. */
    public static String deadLetterTopic(String group) {
        return group + ".dead-letter";
    }

    /**
     * Creates what is not there yet: each route's topic with so many partitions, and a dead-letter topic with one, for
     * each group. A topic that is there stays as it is. When this returns, the brokers know the topics and each
     * partition has a leader: Kafka answers "created" a moment before that.
     *
     * @param partitions order is kept within a key because a key keeps to its partition: choose enough for years, for
     *     raising it later moves keys
     * @param replicas 3 in production, with {@code min.insync.replicas} 2; -1 for the brokers' default
     * @throws KafkaException if Kafka refuses or cannot be reached
     */
    public static void create(KafkaSettings settings, int partitions, int replicas, Route... routes) {
        List<NewTopic> topics = new ArrayList<>();
        Map<String, String> safe = replicas > 2 ? Map.of("min.insync.replicas", "2") : Map.of();
        for (Route route : routes) {
            topics.add(new NewTopic(route.destination(), partitions, (short) replicas).configs(safe));
            String group = route.group();
            if (group != null) {
                Map<String, String> roomy = new java.util.HashMap<>(safe);
                roomy.put("max.message.bytes", Integer.toString(DEFAULT_LIMIT + ROOM_FOR_HEADERS));
                roomy.put("retention.ms", "-1");
                topics.add(new NewTopic(deadLetterTopic(group), 1, (short) replicas).configs(roomy));
            }
        }
        Map<String, Object> patient = settings.adminProperties();
        patient.put("request.timeout.ms", REQUEST_MILLIS);
        patient.put("default.api.timeout.ms", PATIENCE_MILLIS);
        try (Admin admin = Admin.create(patient)) {
            for (Map.Entry<String, org.apache.kafka.common.KafkaFuture<Void>> each :
                    admin.createTopics(topics).values().entrySet()) {
                await(each.getKey(), each.getValue());
            }
            awaitLeaders(admin, topics.stream().map(NewTopic::name).toList());
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

    private static void await(String topic, org.apache.kafka.common.KafkaFuture<Void> created) {
        try {
            created.get();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw new KafkaException("Cannot create topic " + topic + ": " + e.getCause(), e.getCause());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KafkaException("Interrupted while creating topic " + topic, e);
        }
    }
}
