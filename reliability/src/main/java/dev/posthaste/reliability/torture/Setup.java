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
import org.jspecify.annotations.Nullable;

/**
 * What the processes of a campaign have to know about each other.
 *
 * @param table the outbox's
 * @param url the database's, including user and password
 * @param broker the URI or the bootstrap servers
 * @param home where histories and logs are
 */
record Setup(Wire wire, OutboxTable table, String url, String broker, Path home, long seed) {
    static final String OUTBOX = "orders";
    static final String TYPE = "order.placed";
    static final String ODD_TYPE = "Bestellung/größer \"😀\" %";
    static final int KEYS = 10_000;
    static final RetryPolicy RETRY = RetryPolicy.fixed(Duration.ofMillis(500)).forever();
    static final Duration LEASE = Duration.ofSeconds(3);

    /** The broker's kind, and the destination of the outbox's events. */
    enum Wire {
        RABBITMQ(Route.to("torture").routingKey("orders").group("torture_orders")),
        KAFKA(Route.to("torture.orders").group("torture-orders")),
        /** The consumers are in the relays' own processes. */
        LOCAL(Route.to("torture"));

        private final Route route;

        Wire(Route route) {
            this.route = route;
        }

        Route route() {
            return route;
        }

        /**
         * The destination of events of the odd type, which a relay of the previous version does not know; null for the
         * usual one. Only on the local broker: elsewhere there would be no order between two destinations.
         */
        @Nullable
        String oddDestination() {
            return this == LOCAL ? "torture-odd" : null;
        }

        /**
         * Whether rows end as consumed, in the handler's transaction; otherwise as published, as in our two users'
         * outboxes.
         */
        boolean tracks() {
            return this != RABBITMQ;
        }

        /** The final status of rows that are not dead. */
        String end() {
            return tracks() ? "consumed" : "published";
        }
    }

    static Setup of(String... arguments) {
        return new Setup(
                Wire.valueOf(arguments[0]),
                OutboxTable.valueOf(arguments[1]),
                arguments[2],
                arguments[3],
                Path.of(arguments[4]),
                Long.parseLong(arguments[5]));
    }

    List<String> arguments() {
        return List.of(wire.name(), table.name(), url, broker, home.toString(), Long.toString(seed));
    }

    Setup through(String otherUrl, String otherBroker) {
        return new Setup(wire, table, otherUrl, otherBroker, home, seed);
    }

    /** Whether the database is a file. */
    boolean isSqlite() {
        return url.startsWith("jdbc:sqlite:");
    }

    Catalog catalog() {
        String odd = wire.oddDestination();
        OutboxDefinition orders = table.outbox(wire.route(), TYPE, ODD_TYPE);
        orders = odd == null ? orders : orders.allowedDestinations(odd);
        return Catalog.of(wire.tracks() ? orders.tracked(true).retry(RETRY) : orders);
    }

    /** The previous version's catalog, with neither receipts nor the odd type and its destination. */
    Catalog olderCatalog() {
        return Catalog.of(table.outbox(wire.route(), TYPE));
    }

    HikariDataSource pool(int size) {
        return pool(size, null);
    }

    /** @param first what each connection executes first, or null */
    HikariDataSource pool(int size, @Nullable String first) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setConnectionInitSql(first);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(5_000);
        config.setValidationTimeout(3_000);
        config.setInitializationFailTimeout(-1);
        config.setExceptionOverride(new SqliteEviction());
        return new HikariDataSource(config);
    }

    /** In these cases SQLite rolls back by itself, which its driver does not know: see docs/COMPATIBILITY.md. */
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
        return RabbitSettings.of(broker).confirmTimeout(Duration.ofSeconds(2));
    }

    KafkaSettings kafka() {
        return KafkaSettings.of(broker).deliveryTimeout(Duration.ofSeconds(2)).topicCheck(Duration.ofSeconds(1));
    }
}
