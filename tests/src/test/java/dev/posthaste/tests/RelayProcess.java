package dev.posthaste.tests;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.UnaryOperator;

/** A relay in a separate process, on the outbox {@code orders}, publishing to a {@link TableBroker}. */
final class RelayProcess {
    static final String TYPE = "order.placed";
    static final Duration LEASE = Duration.ofSeconds(2);
    static final Catalog CATALOG = Catalog.of(OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("orders-topic"))
            .types(TYPE));

    private RelayProcess() {}

    /** @param environment for example for libfaketime */
    static Process start(String name, TestDatabase database, Path home, Map<String, String> environment) {
        return Processes.java(name, home, environment, RelayProcess.class, name, database.url());
    }

    public static void main(String[] arguments) throws InterruptedException {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(arguments[1]);
        config.setMaximumPoolSize(4);
        Relay relay = Relay.builder(
                        new HikariDataSource(config),
                        CATALOG.all(UnaryOperator.identity()),
                        new TableBroker(arguments[1], Duration.ofMillis(5)))
                .name(arguments[0])
                .lease(LEASE)
                .publishTimeout(Duration.ofMillis(900))
                .build();
        relay.start();
        Thread.currentThread().join();
    }
}
