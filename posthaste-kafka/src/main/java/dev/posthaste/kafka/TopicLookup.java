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

/** Looks topics up without creating any. Answers come on the client's thread. Thread-safe. */
final class TopicLookup implements AutoCloseable {
    private static final int DEFAULT_MAX_BYTES = 1_048_588;

    private final Admin admin;

    TopicLookup(KafkaSettings settings) {
        this(Admin.create(settings.adminProperties()));
    }

    TopicLookup(Admin admin) {
        this.admin = admin;
    }

    /** @param answer called once, unless the client never calls back: the caller needs its own deadline */
    void ask(String topic, Consumer<TopicInfo> answer) {
        try {
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            KafkaFuture<TopicDescription> description =
                    of(admin.describeTopics(List.of(topic)).topicNameValues(), topic);
            KafkaFuture<Config> config =
                    of(admin.describeConfigs(List.of(resource)).values(), resource);
            var unused = description.whenComplete((described, failure) -> {
                if (failure != null) {
                    answer.accept(TopicInfo.failed(failure));
                } else {
                    var unusedToo = config.whenComplete(
                            (configured, refused) -> answer.accept(info(described, configured, refused)));
                }
            });
        } catch (Throwable e) {
            answer.accept(TopicInfo.failed(e));
        }
    }

    private static <K, T> KafkaFuture<T> of(Map<K, KafkaFuture<T>> answers, K asked) {
        return Objects.requireNonNull(answers.get(asked));
    }

    /** Logs a warning if brokers create topics automatically, where this client may ask. */
    void warnOfAutoCreation(Logger log) {
        try {
            askAboutAutoCreation(log);
        } catch (RuntimeException e) {
            log.debug("It is not known whether Kafka creates topics automatically", e);
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
                                        "auto.create.topics.enable is true. Posthaste creates no topic by accident, but"
                                                + " one that is deleted while it is published to comes back with the broker's"
                                                + " default number of partitions. Set it to false");
                            }
                        });
            }
        });
    }

    private static TopicInfo info(TopicDescription topic, @Nullable Config config, @Nullable Throwable refused) {
        if (refused != null && !(refused instanceof AuthorizationException)) {
            return TopicInfo.failed(refused);
        }
        try {
            int replicas = topic.partitions().stream()
                    .mapToInt(each -> each.replicas().size())
                    .min()
                    .orElse(0);
            return new TopicInfo(
                    null,
                    topic.partitions().size(),
                    number(config, "max.message.bytes", DEFAULT_MAX_BYTES),
                    replicas,
                    number(config, "min.insync.replicas", 0));
        } catch (Throwable e) {
            return TopicInfo.failed(e); // thrown here, it would be lost in the client's future
        }
    }

    private static int number(@Nullable Config config, String name, int otherwise) {
        ConfigEntry entry = config == null ? null : config.get(name);
        return entry == null || entry.value() == null ? otherwise : Integer.parseInt(entry.value());
    }

    /** Asks whether the cluster answers at all. As with {@link #ask}, the answer may never come. */
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
