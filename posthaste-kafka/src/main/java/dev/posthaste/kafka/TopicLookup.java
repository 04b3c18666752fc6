package dev.posthaste.kafka;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/** Asks Kafka about topics, without creating any. Answers come on the client's thread. Thread-safe. */
final class TopicLookup implements AutoCloseable {
    private static final int DEFAULT_MAX_BYTES = 1_048_588;

    private final Admin admin;

    TopicLookup(KafkaSettings settings) {
        this(Admin.create(settings.adminProperties()));
    }

    TopicLookup(Admin admin) {
        this.admin = admin;
    }

    /**
     * What a topic is like.
     *
     * @param failure why that is not known, or null
     * @param maxBytes the largest message it takes
     * @param replicas of the partition that has fewest
     * @param minInSync how many replicas have a message before it counts as acknowledged; 0 where it may not be asked
     */
    record Answer(@Nullable Throwable failure, int partitions, long maxBytes, int replicas, int minInSync) {
        static Answer failed(Throwable failure) {
            return new Answer(failure, 0, 0, 0, 0);
        }
    }

    /** @param answer called once, unless the client never calls back: whoever asks has a deadline of their own */
    void ask(String topic, Consumer<Answer> answer) {
        try {
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            KafkaFuture<TopicDescription> description =
                    of(admin.describeTopics(List.of(topic)).topicNameValues(), topic);
            KafkaFuture<Config> config =
                    of(admin.describeConfigs(List.of(resource)).values(), resource);
            var unused = description.whenComplete((described, failure) -> {
                if (failure != null) {
                    answer.accept(Answer.failed(failure));
                } else {
                    var unusedToo = config.whenComplete(
                            (configured, refused) -> answer.accept(answer(described, configured, refused)));
                }
            });
        } catch (Throwable e) {
            answer.accept(Answer.failed(e));
        }
    }

    private static <K, T> KafkaFuture<T> of(Map<K, KafkaFuture<T>> answers, K asked) {
        return Objects.requireNonNull(answers.get(asked));
    }

    /** Says once whether brokers make topics that nobody created, where this client may ask. */
    void warnOfAutoCreation(Logger log) {
        try {
            askAboutAutoCreation(log);
        } catch (RuntimeException e) {
            log.debug("Kafka cannot be asked whether it creates topics by itself", e);
        }
    }

    private void askAboutAutoCreation(Logger log) {
        var unused = admin.describeCluster().nodes().whenComplete((nodes, failure) -> {
            if (failure == null && !nodes.isEmpty()) {
                ConfigResource broker = new ConfigResource(
                        ConfigResource.Type.BROKER, nodes.iterator().next().idString());
                var unusedToo = of(admin.describeConfigs(List.of(broker)).values(), broker)
                        .whenComplete((config, refused) -> {
                            ConfigEntry entry = refused == null ? config.get("auto.create.topics.enable") : null;
                            if (entry != null && "true".equals(entry.value())) {
                                log.warn(
                                        "auto.create.topics.enable is true: Posthaste creates no topic by accident, but"
                                                + " one that is deleted while it is published to comes back with the broker's"
                                                + " default number of partitions. Set it to false");
                            }
                        });
            }
        });
    }

    private static Answer answer(TopicDescription topic, @Nullable Config config, @Nullable Throwable refused) {
        if (refused != null && !(refused instanceof AuthorizationException)) {
            return Answer.failed(refused);
        }
        try {
            int replicas = topic.partitions().stream()
                    .mapToInt(each -> each.replicas().size())
                    .min()
                    .orElse(0);
            return new Answer(
                    null,
                    topic.partitions().size(),
                    number(config, "max.message.bytes", DEFAULT_MAX_BYTES),
                    replicas,
                    number(config, "min.insync.replicas", 0));
        } catch (Throwable e) {
            return Answer.failed(e); // thrown here, it would be lost in the client's future
        }
    }

    private static int number(@Nullable Config config, String name, int otherwise) {
        ConfigEntry entry = config == null ? null : config.get(name);
        return entry == null || entry.value() == null ? otherwise : Integer.parseInt(entry.value());
    }

    /** Says what endangers the promises, when a topic is seen for the first time or has changed. */
    static void warn(String topic, @Nullable Answer before, Answer now, Logger log) {
        if (before != null && before.partitions() != now.partitions()) {
            log.warn(
                    "Topic {} had {} partitions and has {} now: keys move to other partitions, and events of one key that"
                            + " were written before the change may be handled after those written after it",
                    topic,
                    before.partitions(),
                    now.partitions());
        }
        boolean changed =
                before == null || before.replicas() != now.replicas() || before.minInSync() != now.minInSync();
        if (changed && now.replicas() > 1 && now.minInSync() == 1) {
            log.warn(
                    "Topic {} has {} replicas and min.insync.replicas 1: a message counts as acknowledged when one replica"
                            + " has it, and is lost with that one. Set min.insync.replicas to 2 or more",
                    topic,
                    now.replicas());
        }
    }

    /** Asks whether anybody is there. Like {@link #ask}, it may never answer. */
    void probe(Consumer<@Nullable Throwable> answer) {
        try {
            var unused = admin.describeCluster().clusterId().whenComplete((id, failure) -> answer.accept(failure));
        } catch (Throwable e) {
            answer.accept(e);
        }
    }

    @Override
    public void close() {
        admin.close(Duration.ofSeconds(1));
    }
}
