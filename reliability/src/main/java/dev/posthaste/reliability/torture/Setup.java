package dev.posthaste.reliability.torture;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.SQLExceptionOverride;
import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.kafka.KafkaSettings;
import dev.posthaste.rabbitmq.RabbitSettings;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;

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
        KAFKA(new Route("torture.orders", null, "torture-orders")),
        /** The consumers are in the relays' own processes. */
        LOCAL(new Route("torture", null, null));

        private final Route route;

        Wire(Route route) {
            this.route = route;
        }

        Route route() {
            return route;
        }

        /** Whether rows end as consumed, in the handler's transaction; otherwise as published, as our two users have it. */
        boolean tracks() {
            return this != RABBITMQ;
        }

        /** How rows end that are not dead. */
        String end() {
            return tracks() ? "consumed" : "published";
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

    /** Whether the database is a file. */
    boolean isSqlite() {
        return url.startsWith("jdbc:sqlite:");
    }

    Catalog catalog() {
        OutboxDefinition orders = OutboxDefinition.of("orders", wire.route(), TYPE);
        return Catalog.of(wire.tracks() ? orders.withReceipts() : orders);
    }

    HikariDataSource pool(int size) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(5_000);
        config.setValidationTimeout(3_000);
        config.setInitializationFailTimeout(-1);
        config.setExceptionOverride(new SqliteEviction());
        return new HikariDataSource(config);
    }

    /** SQLite rolls back by itself then, and its driver does not know: see docs/COMPATIBILITY.md. */
    private static final class SqliteEviction implements SQLExceptionOverride {
        private static final Set<Integer> CODES = Set.of(7, 9, 10, 13);

        @java.lang.Override
        public Override adjudicate(SQLException e) {
            return e.getSQLState() == null && CODES.contains(e.getErrorCode())
                    ? Override.MUST_EVICT
                    : Override.CONTINUE_EVICT;
        }
    }

    RabbitSettings rabbit() {
        return RabbitSettings.of(broker).withConfirmTimeout(Duration.ofSeconds(2));
    }

    KafkaSettings kafka() {
        return KafkaSettings.of(broker).withTimes(Duration.ofSeconds(2), Duration.ofSeconds(1));
    }
}
