package dev.posthaste.server.config;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.kafka.KafkaSettings;
import dev.posthaste.rabbitmq.RabbitSettings;
import dev.posthaste.relay.internal.RelaySettings;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A daemon's configuration. Immutable; every part knows its line in the file. */
public record Config(
        String name,
        Map<String, DatabaseConfig> databases,
        Map<String, BrokerConfig> brokers,
        Map<String, OutboxConfig> outboxes,
        List<ReceiptsConfig> receipts,
        RelaySettings relay,
        ConsoleConfig console,
        boolean jsonLog) {
    /** The same with other outboxes. */
    public Config withOutboxes(Map<String, OutboxConfig> others) {
        return new Config(name, databases, brokers, others, receipts, relay, console, jsonLog);
    }

    /** @param leases the schema of the lease and audit tables, or null for the connection's own */
    public record DatabaseConfig(
            int line,
            String name,
            String url,
            @Nullable String user,
            @Nullable String password,
            @Nullable String leases) {
        /** Without the password. */
        @Override
        public String toString() {
            return name + " (" + withoutSecrets(url) + ")";
        }
    }

    /**
     * @param url {@code amqp://}, {@code amqps://} or {@code kafka://host:port,host:port}
     * @param createTopics null where none are created
     */
    public record BrokerConfig(
            int line,
            String name,
            String url,
            boolean declare,
            int prefetch,
            @Nullable TopicsConfig createTopics,
            Map<String, String> client,
            Map<String, String> producer) {
        private static final String KAFKA = "kafka://";

        public boolean isKafka() {
            return url.startsWith(KAFKA);
        }

        /** @throws IllegalArgumentException if a property is one that Posthaste sets */
        public KafkaSettings kafka() {
            KafkaSettings settings = KafkaSettings.of(url.substring(KAFKA.length()))
                    .client(client)
                    .producer(producer)
                    .prefetch(prefetch);
            return createTopics == null
                    ? settings
                    : settings.createTopics(createTopics.partitions(), createTopics.replicas());
        }

        /** @throws IllegalArgumentException if the URL cannot be used */
        public RabbitSettings rabbit() {
            return RabbitSettings.of(url).declare(declare).prefetch(prefetch);
        }

        /** Without the password. */
        @Override
        public String toString() {
            return name + " (" + withoutSecrets(url) + ")";
        }
    }

    /** How missing topics are created; -1 replicas are the brokers' default. */
    public record TopicsConfig(int partitions, int replicas) {}

    /** An outbox, and how it is relayed. */
    public record OutboxConfig(int line, OutboxDefinition definition, String database, String broker) {
        public String name() {
            return definition.name();
        }
    }

    /** Where consumers' receipts arrive. */
    public record ReceiptsConfig(int line, String broker, Route route, RetryPolicy retry) {}

    /**
     * @param secure whether browsers reach it by HTTPS
     * @param hosts the host names by which browsers may reach it, besides the address
     * @param mask names of payload fields, or dotted paths, that no one is shown
     */
    public record ConsoleConfig(
            int line,
            boolean enabled,
            String address,
            int port,
            boolean secure,
            Set<String> hosts,
            List<UserConfig> users,
            List<TokenConfig> tokens,
            @Nullable ProxyConfig proxy,
            Set<String> mask,
            boolean openMetrics) {
        /** Whether users must log in. */
        public boolean needsLogin() {
            return !users.isEmpty() || !tokens.isEmpty() || proxy != null;
        }
    }

    /** What a user may do; each role includes those before it. */
    public enum Role {
        /** Sees everything but payloads and headers. */
        VIEWER,
        /** Sees payloads too. */
        READER,
        /** Changes things too. */
        OPERATOR;

        public boolean covers(Role other) {
            return compareTo(other) >= 0;
        }
    }

    /** @param passwordHash Argon2id's */
    public record UserConfig(int line, String name, String passwordHash, Role role) {}

    /** @param hash {@code sha256:} and the token's SHA-256 in hex */
    public record TokenConfig(int line, String name, String hash, Role role) {}

    /** A proxy that has already authenticated the user. */
    public record ProxyConfig(
            int line, String userHeader, @Nullable String roleHeader, Role role, Set<String> from) {}

    private static String withoutSecrets(String url) {
        return url.replaceAll("//[^/@]*@", "//").replaceAll("(?i)(password|secret|token|key)=[^&;]*", "$1=…");
    }
}
