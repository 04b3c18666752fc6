package dev.posthaste;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.internal.store.StoredRow;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.h2.jdbcx.JdbcDataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Payloads go through the application's own serializer. */
class PayloadSerializerTest {
    private static final OutboxDefinition ORDERS =
            OutboxDefinition.named("orders").route(Route.to("orders")).types("order.placed");

    private final JdbcDataSource dataSource = new JdbcDataSource();
    private final Lines lines = new Lines();
    private final JdbcOutbox outbox = JdbcOutbox.of(Catalog.of(ORDERS)).serializer(lines);

    record Order(String product, int amount) {}

    /** One value per line. */
    private static final class Lines implements PayloadSerializer {
        final List<String> asked = new ArrayList<>();

        @Override
        public byte[] write(Object payload, PayloadInfo info) throws Exception {
            asked.add("write " + info.eventType() + " " + info.version() + " " + info.headers());
            if (!(payload instanceof Order order)) {
                throw new IOException("secret");
            }
            return (order.product() + "\n" + order.amount()).getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public <T> T read(byte[] bytes, Class<T> type, PayloadInfo info) throws Exception {
            asked.add("read " + info.eventType() + " " + info.version());
            String[] values = new String(bytes, StandardCharsets.UTF_8).split("\n");
            if (values.length != 2) {
                throw new IOException("it has " + values.length + " lines");
            }
            return type.cast(new Order(values[0], Integer.parseInt(values[1])));
        }

        @Override
        public String contentType() {
            return "text/lines";
        }
    }

    @BeforeEach
    void create() throws SQLException {
        dataSource.setURL("jdbc:h2:mem:" + Event.newId() + ";DB_CLOSE_DELAY=-1");
        Schema.create(dataSource, Catalog.of(ORDERS));
    }

    private Map<String, String> written(Event event) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(false);
            outbox.write(connection, event);
            try (ResultSet row = connection
                    .createStatement()
                    .executeQuery(
                            "select payload, headers from \"orders_outbox\" order by id desc fetch first row only")) {
                row.next();
                Map<String, String> found = new HashMap<>();
                found.put("payload", row.getString(1));
                found.put("headers", String.valueOf(row.getString(2)));
                return found;
            } finally {
                connection.commit();
            }
        }
    }

    @Test
    void itsContentTypeTravelsWithWhatItWrote() throws SQLException {
        Event event = Event.of("order.placed", null, new Order("tea", 3))
                .version("v2")
                .header("tenant", "a");
        Map<String, String> row = written(event);
        assertThat(row).containsEntry("payload", "tea\n3");
        assertThat(row.get("headers")).contains("\"content-type\":\"text/lines\"", "\"tenant\":\"a\"");
        assertThat(lines.asked).containsExactly("write order.placed v2 {tenant=a}");
        assertThat(written(Event.of("order.placed", "k", "a text"))).containsEntry("headers", "null");
        assertThat(written(Event.of("order.placed", "k", "bytes".getBytes(StandardCharsets.UTF_8))))
                .containsEntry("headers", "null");
        assertThat(lines.asked).as("bytes and text are stored as they are").hasSize(1);
    }

    @Test
    void aCloudEventSaysTheContentTypeOfItsData() {
        assertThat(contentType(null)).isEqualTo("application/json");
        assertThat(contentType("{\"content-type\":\"avro/binary\"}")).isEqualTo("avro/binary");
        assertThat(contentType("{\"content-type\":\"application/CloudEvents+json\"}"))
                .as("passed on from the message of another event")
                .isEqualTo("application/json");
    }

    private static @Nullable String contentType(@Nullable String headers) {
        StoredRow event = new StoredRow(
                1, "e", "order.placed", "v1", null, null, null, headers, "{}".getBytes(StandardCharsets.UTF_8));
        return MessageFormat.cloudEvents("/shop").write(event, ORDERS).headers().get("content-type");
    }

    @Test
    void whatItCannotWriteIsRefusedBeforeAnySql() {
        assertThatThrownBy(() -> written(Event.of("order.placed", "k", List.of())))
                .isInstanceOf(InvalidEventException.class)
                .hasMessageContaining("its serializer (text/lines) cannot write a java.util.")
                .hasMessageNotContaining("secret")
                .hasCauseInstanceOf(IOException.class);
    }

    @Test
    void whatItCannotReadIsRefusedAndNotTriedAgain() {
        List<Order> handled = new CopyOnWriteArrayList<>();
        try (Inbox inbox = Inbox.builder("stock", dataSource)
                .serializer(lines)
                .on("order.placed", Order.class, (order, context) -> handled.add(order))
                .build()) {
            assertThat(answer(inbox, message("1", "tea\n3"))).isEqualTo("done");
            assertThat(handled).containsExactly(new Order("tea", 3));
            assertThat(lines.asked).containsExactly("read order.placed v7");
            assertThat(answer(inbox, message("2", "tea")))
                    .isEqualTo("dead after 1: the payload cannot be read: it has 1 lines");
        }
    }

    private static String answer(Inbox inbox, Message message) {
        CompletableFuture<String> answer = new CompletableFuture<>();
        inbox.accept(new Delivery() {
            @Override
            public Message message() {
                return message;
            }

            @Override
            public void done() {
                answer.complete("done");
            }

            @Override
            public void deadLetter(Failure failure) {
                answer.complete("dead after " + failure.attempts() + ": " + failure.reason());
            }

            @Override
            public void abandoned() {
                answer.complete("abandoned");
            }
        });
        return answer.orTimeout(30, TimeUnit.SECONDS).join();
    }

    private static Message message(String id, String body) {
        return Message.of("orders", body.getBytes(StandardCharsets.UTF_8))
                .headers(Map.of(
                        MessageHeaders.EVENT_ID, id,
                        MessageHeaders.EVENT_TYPE, "order.placed",
                        MessageHeaders.EVENT_VERSION, "v7"));
    }

    /** A trace that does not fit, and one that is not valid text. */
    @Test
    void noEventIsRefusedForItsTrace() throws SQLException {
        String full = "x".repeat(1_000);
        for (String state : List.of(full, "a\u0000b")) {
            Tracing tracing = new Tracing() {
                @Override
                public void inject(Map<String, String> headers) {
                    headers.put("traceparent", "00-" + "a".repeat(32) + "-" + "b".repeat(16) + "-01");
                    headers.put("tracestate", state);
                }

                @Override
                public Span start(String name, Map<String, String> headers) {
                    throw new IllegalStateException();
                }
            };
            try (Connection connection = dataSource.getConnection()) {
                connection.setAutoCommit(false);
                outbox.tracing(tracing)
                        .maxHeaderBytes(1_100)
                        .write(connection, Event.of("order.placed", "k", "text").header("note", full));
                try (var rows = connection.createStatement().executeQuery("select headers from \"orders_outbox\"")) {
                    assertThat(rows.next()).isTrue();
                    assertThat(rows.getString(1)).isEqualTo("{\"note\":\"" + full + "\"}");
                }
                connection.rollback();
            }
        }
    }

    @Test
    void tracingThatFailsChangesNothing() throws SQLException {
        Tracing broken = new Tracing() {
            @Override
            public void inject(Map<String, String> headers) {
                throw new IllegalStateException();
            }

            @Override
            public Span start(String name, Map<String, String> headers) {
                throw new IllegalStateException();
            }
        };
        try (Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(false);
            outbox.tracing(broken).write(connection, Event.of("order.placed", "k", "text"));
            connection.commit();
        }
        List<String> handled = new CopyOnWriteArrayList<>();
        try (Inbox inbox = Inbox.builder("stock", dataSource)
                .tracing(broken)
                .on("order.placed", String.class, (order, context) -> handled.add(order))
                .build()) {
            assertThat(answer(inbox, message("1", "text"))).isEqualTo("done");
            assertThat(handled).containsExactly("text");
        }
    }
}
