package dev.posthaste.server;

import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.server.config.Config;
import dev.posthaste.server.config.Config.OutboxConfig;
import dev.posthaste.server.config.ConfigReader;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.RabbitServer;
import dev.posthaste.servers.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A database, RabbitMQ, a configuration for both, and a daemon in this JVM. */
final class TestSite implements AutoCloseable {
    static final JsonMapper JSON = JsonMapper.builder().build();
    private static final AtomicInteger NEXT = new AtomicInteger();

    final TestDatabase database;
    final Path file;
    final Config config;
    private final HttpClient client = HttpClient.newHttpClient();
    private final Daemon daemon;

    /** @param console the settings under {@code console:}, one per line, without the port */
    private TestSite(Database kind, String console) throws Exception {
        database = DatabaseServer.of(kind).createDatabase();
        String queue = "orders-" + ProcessHandle.current().pid() + "-" + NEXT.incrementAndGet();
        file = Files.createTempFile("posthaste", ".yml");
        Files.writeString(file, """
                name: here
                databases:
                  shop:
                    url: "%s"
                brokers:
                  rabbit:
                    url: %s
                    declare: true
                outboxes:
                  orders:
                    route: {destination: %s, routing-key: orders, group: %s}
                    retry: {base: 50ms, ceiling: 100ms, attempts: 2}
                    types: [order.placed, order.refused]
                    allowed-destinations: [no-such-exchange, %s-replayed]
                  invoices:
                    route: {destination: %s-invoices, routing-key: invoices, group: %s-invoices}
                relay: {lease: 6s, publish-timeout: 2s}
                console:
                  port: 0
                %s
                """.formatted(
                database.url(), RabbitServer.shared().uri(), queue, queue, queue, queue, queue, console.indent(2)));
        config = ConfigReader.read(file, Map.of());
        DatabaseSchema.create(database.dataSource(), definitions(config));
        daemon = Daemon.start(config);
    }

    static TestSite start(String console) throws Exception {
        return start(Database.POSTGRESQL, console);
    }

    static TestSite start(Database kind, String console) throws Exception {
        return new TestSite(kind, console);
    }

    private static List<OutboxDefinition> definitions(Config config) {
        return config.outboxes().values().stream().map(OutboxConfig::definition).toList();
    }

    String address() {
        return Objects.requireNonNull(daemon.address());
    }

    void write(Event... events) throws SQLException {
        JdbcOutbox outbox = JdbcOutbox.of(ConfigReader.catalog(config.outboxes().values().stream()
                .filter(each -> each.name().equals("orders"))
                .toList()));
        try (Connection connection = database.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            outbox.write(connection, List.of(events));
            connection.commit();
        }
    }

    long count(String status) {
        return database.count("select count(*) from orders_outbox where status = '" + status + "'");
    }

    static void until(String what, BooleanSupplier done) throws InterruptedException {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!done.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("Not within 30 s: " + what);
            }
            Thread.sleep(50);
        }
    }

    // --- HTTP --------------------------------------------------------------------------------------------------------

    HttpResponse<String> send(String method, String path, @Nullable String body, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(address() + path))
                .timeout(Duration.ofSeconds(30))
                .method(
                        method,
                        body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    /** The response to a program with a token, or to a page without login. */
    JsonNode get(String path, String... headers) throws IOException, InterruptedException {
        HttpResponse<String> response = send("GET", path, null, headers);
        if (response.statusCode() != 200) {
            throw new AssertionError(path + ": " + response.statusCode() + " " + response.body());
        }
        return JSON.readTree(response.body());
    }

    @Override
    public void close() throws IOException {
        daemon.close();
        database.close();
        Files.deleteIfExists(file);
    }
}
