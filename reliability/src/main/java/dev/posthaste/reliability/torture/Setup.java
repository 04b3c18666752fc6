package dev.posthaste.reliability.torture;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.kafka.KafkaSettings;
import dev.posthaste.rabbitmq.RabbitSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What the processes of a campaign have to know of each other.
 *
 * @param url the database's, with user and password in it
 * @param broker the URI or the bootstrap servers
 * @param home where histories and logs are
 */
record Setup(Wire wire, String url, String broker, Path home, long seed) {
    static final String TYPE = "order.placed";
    static final int KEYS = 10_000;
    static final RetryPolicy RETRY = RetryPolicy.fixed(Duration.ofMillis(500), RetryPolicy.FOREVER);
    static final Duration LEASE = Duration.ofSeconds(3);

    /** The broker's kind, and where the outbox's events go there. */
    enum Wire {
        RABBITMQ(new Route("torture", "orders", "torture_orders")),
        KAFKA(new Route("torture.orders", null, "torture-orders"));

        private final Route route;

        Wire(Route route) {
            this.route = route;
        }

        Route route() {
            return route;
        }
    }

    static Setup of(String... arguments) {
        return new Setup(
                Wire.valueOf(arguments[0]),
                arguments[1],
                arguments[2],
                Path.of(arguments[3]),
                Long.parseLong(arguments[4]));
    }

    List<String> arguments() {
        return List.of(wire.name(), url, broker, home.toString(), Long.toString(seed));
    }

    Setup through(String otherUrl, String otherBroker) {
        return new Setup(wire, otherUrl, otherBroker, home, seed);
    }

    /** On Kafka the rows end as consumed, in the handler's transaction; on RabbitMQ as published, as our two users have it. */
    Catalog catalog() {
        OutboxDefinition orders = OutboxDefinition.of("orders", wire.route(), TYPE);
        return Catalog.of(wire == Wire.KAFKA ? orders.withReceipts() : orders);
    }

    HikariDataSource pool(int size) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(5_000);
        config.setValidationTimeout(3_000);
        config.setInitializationFailTimeout(-1);
        return new HikariDataSource(config);
    }

    RabbitSettings rabbit() {
        return RabbitSettings.of(broker).withConfirmTimeout(Duration.ofSeconds(2));
    }

    KafkaSettings kafka() {
        return KafkaSettings.of(broker).withTimes(Duration.ofSeconds(2), Duration.ofSeconds(1));
    }
}
