package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.opentelemetry.OpenTelemetryTracing;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.testing.junit5.OpenTelemetryExtension;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.data.StatusData;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * One trace from the writer's transaction through the relay to the handler, and further through the events that the
 * handler writes.
 */
class TracesTest {
    @RegisterExtension
    static final OpenTelemetryExtension TELEMETRY = OpenTelemetryExtension.create();

    @Test
    void raw() throws Exception {
        fromWriterToHandler(MessageFormat.RAW);
    }

    @Test
    void cloudEvents() throws Exception {
        fromWriterToHandler(MessageFormat.cloudEvents("/shop"));
    }

    @Test
    void cloudEventsStructured() throws Exception {
        fromWriterToHandler(MessageFormat.cloudEventsStructured("/shop"));
    }

    private static void fromWriterToHandler(MessageFormat format) throws Exception {
        Catalog catalog = Catalog.of(OutboxDefinition.named("orders")
                .table("orders")
                .route(Route.to("orders"))
                .types("order.placed", "order.confirmed"));
        JdbcOutbox outbox = JdbcOutbox.of(catalog);
        OpenTelemetryTracing tracing = OpenTelemetryTracing.of(TELEMETRY.getOpenTelemetry());
        AtomicInteger attempts = new AtomicInteger();
        try (TestDatabase database = DatabaseServer.of(Database.H2).createDatabase()) {
            Schema.create(database.dataSource(), catalog);
            Inbox inbox = Inbox.builder("stock", database.dataSource())
                    .format(format)
                    .tracing(tracing)
                    .on("order.placed", String.class, (order, context) -> {
                        if (attempts.incrementAndGet() == 1) {
                            throw new IllegalStateException("not yet");
                        }
                        outbox.write(context.connection(), Event.of("order.confirmed", "k", order));
                    })
                    .on("order.confirmed", String.class, (order, context) -> {})
                    .retry(RetryPolicy.fixed(Duration.ofMillis(10)).attempts(5))
                    .build();
            try (inbox;
                    LocalBroker local = LocalBroker.to(inbox);
                    Relay relay = Relay.builder(database.dataSource(), catalog.all(o -> o.format(format)), local)
                            .tracing(tracing)
                            .build()
                            .start()) {
                Span request = TELEMETRY
                        .getOpenTelemetry()
                        .getTracer("test")
                        .spanBuilder("request")
                        .startSpan();
                try (Scope scope = request.makeCurrent();
                        Connection connection = database.dataSource().getConnection()) {
                    connection.setAutoCommit(false);
                    outbox.write(connection, Event.of("order.placed", "k", "{}"));
                    connection.commit();
                } finally {
                    request.end();
                }
                try (Connection connection = database.dataSource().getConnection()) {
                    connection.setAutoCommit(false);
                    outbox.write(connection, Event.of("order.confirmed", "untraced", "{}"));
                    connection.commit();
                }
                long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
                while (database.count("select count(*) from posthaste_inbox") < 3 && System.nanoTime() - end < 0) {
                    Thread.sleep(20);
                }
                Thread.sleep(200);
                List<SpanData> trace = TELEMETRY.getSpans().stream()
                        .filter(span -> span.getTraceId()
                                .equals(request.getSpanContext().getTraceId()))
                        .toList();
                SpanData publish =
                        one(trace, "publish orders", request.getSpanContext().getSpanId());
                assertThat(publish.getKind()).isEqualTo(SpanKind.PRODUCER);
                List<SpanData> handled = trace.stream()
                        .filter(span -> span.getParentSpanId().equals(publish.getSpanId()))
                        .toList();
                assertThat(handled).as("each attempt").hasSize(2);
                assertThat(handled).allMatch(span -> span.getKind() == SpanKind.CONSUMER);
                assertThat(handled).allMatch(span -> span.getName().equals("handle order.placed"));
                SpanData failed = handled.stream()
                        .filter(span -> span.getStatus().equals(StatusData.error()))
                        .findFirst()
                        .orElseThrow();
                assertThat(failed.getEvents()).as("the exception").hasSize(1);
                SpanData done = handled.stream()
                        .filter(span -> !span.equals(failed))
                        .findFirst()
                        .orElseThrow();
                SpanData next = one(trace, "publish orders", done.getSpanId());
                assertThat(trace).anyMatch(span -> span.getParentSpanId().equals(next.getSpanId()));
                assertThat(TELEMETRY.getSpans().stream()
                                .filter(span -> span.getName().equals("publish orders")))
                        .as("an event without a trace leaves no span of the relay")
                        .hasSize(2);
            }
        }
    }

    private static SpanData one(List<SpanData> trace, String name, String parent) {
        return trace.stream()
                .filter(span ->
                        span.getName().equals(name) && span.getParentSpanId().equals(parent))
                .reduce((a, b) -> {
                    throw new AssertionError("two spans " + name + " of " + parent);
                })
                .orElseThrow(() -> new AssertionError("no span " + name + " of " + parent + " in " + trace));
    }
}
