package dev.posthaste.stories;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelayListener;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** A custom broker and custom metrics. */
class S16OwnTest {
    private final List<String> heard = new CopyOnWriteArrayList<>();

    static final class HttpBroker implements Broker { // proven by: class HttpBrokerTest extends PublishContract
        private final HttpClient http = HttpClient.newHttpClient();
        private volatile boolean closed;

        @Override
        public void publish(Message message, Consumer<Outcome> callback) {
            if (closed) {
                callback.accept(Outcome.unavailable("closed"));
                return;
            }
            HttpRequest request = HttpRequest.newBuilder(URI.create(message.destination()))
                    .timeout(Duration.ofSeconds(4))
                    .POST(HttpRequest.BodyPublishers.ofByteArray(message.body()))
                    .build();
            http.sendAsync(request, HttpResponse.BodyHandlers.discarding())
                    .whenComplete((response, failure) -> callback.accept(outcome(response, failure)));
        }

        private static Outcome outcome(HttpResponse<Void> response, Throwable failure) {
            if (failure != null) {
                return failure.getCause() instanceof ConnectException
                        ? Outcome.unavailable("no connection")
                        : Outcome.unknown(failure.toString());
            }
            return response.statusCode() < 300
                    ? Outcome.acknowledged()
                    : Outcome.rejected("HTTP " + response.statusCode()).permanent(response.statusCode() == 410);
        }

        @Override
        public boolean healthy() {
            return !closed;
        }

        @Override
        public void close() { // what is open is answered within 4 s
            closed = true;
        }
    }

    Relay relay(DataSource database, Catalog catalog) {
        return Relay.builder(database, catalog, new HttpBroker())
                .listener(
                        new RelayListener() { // any number of them; RelayMeters.of(registry) is one
                            @Override
                            public void died(String outbox, RelayedEvent event, String reason) {
                                heard.add(outbox + " " + event.eventId() + " is dead: " + reason);
                            }
                        })
                .build();
    }

    @Test
    void eventsGoToAServerOfMineAndDeathsToMyListener() throws Exception {
        List<String> bodies = new CopyOnWriteArrayList<>();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            bodies.add(body);
            exchange.sendResponseHeaders(body.equals("gone") ? 410 : 204, -1);
            exchange.close();
        });
        server.start();
        String url = "http://localhost:" + server.getAddress().getPort() + "/events";
        Catalog catalog =
                Catalog.empty().outbox("orders", o -> o.types("order.placed").route(Route.to(url)));
        DataSource database = Shop.database(catalog);
        try (Relay relay = relay(database, catalog).start()) {
            Shop.commit(
                    database,
                    connection -> JdbcOutbox.of(catalog)
                            .write(
                                    connection,
                                    List.of(
                                            Event.of("order.placed", "a", "fine")
                                                    .id("1"),
                                            Event.of("order.placed", "a", "gone")
                                                    .id("2"))));
            relay.wake("orders");
            await().atMost(Shop.LONG)
                    .untilAsserted(() -> assertThat(Shop.counts(database, catalog, "orders"))
                            .containsAllEntriesOf(Map.of(Status.PUBLISHED, 1L, Status.DEAD, 1L)));
        } finally {
            server.stop(0);
        }
        assertThat(bodies).containsExactly("fine", "gone");
        assertThat(heard).containsExactly("orders 2 is dead: HTTP 410");
    }
}
