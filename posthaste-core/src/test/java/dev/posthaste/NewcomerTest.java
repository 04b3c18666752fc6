package dev.posthaste;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.inbox.Inbox;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.testing.junit5.OpenTelemetryExtension;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The examples of the documentation comments, compiled and run. */
class NewcomerTest {
    @RegisterExtension
    static final OpenTelemetryExtension TRACING = OpenTelemetryExtension.create();

    /** Something that an application would publish. */
    record Order(String name, int amount) {}

    private final JdbcDataSource dataSource = new JdbcDataSource();
    private final Catalog catalog = Catalog.of(
            OutboxDefinition.named("orders").route(Route.to("orders-topic")).types("order.placed"));
    private final JdbcOutbox outbox = JdbcOutbox.of(catalog);

    @BeforeEach
    void create() throws SQLException {
        dataSource.setURL("jdbc:h2:mem:" + Event.newId() + ";DB_CLOSE_DELAY=-1");
        Schema.create(dataSource, catalog);
    }

    private String onlyRow(String column) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select " + column + " from \"orders_outbox\"")) {
            rows.next();
            return String.valueOf(rows.getString(1));
        }
    }

    @Test
    void anEventIsWrittenInTheTransactionOfItsChange() throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(false);
            outbox.write(connection, Event.of("order.placed", "order-42", new Order("tea", 3)));
            connection.commit();
        }
        assertThat(onlyRow("payload")).isEqualTo("{\"name\":\"tea\",\"amount\":3}");
        assertThat(onlyRow("event_key")).isEqualTo("order-42");
    }

    @Test
    void theWritersTraceTravelsWithTheEvent() throws SQLException {
        Span span = TRACING.getOpenTelemetry()
                .getTracer("test")
                .spanBuilder("write")
                .startSpan();
        try (Scope scope = span.makeCurrent();
                Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(false);
            outbox.write(connection, Event.of("order.placed", "k", "x"));
            connection.commit();
        } finally {
            span.end();
        }
        assertThat(onlyRow("headers"))
                .contains("\"traceparent\":\"00-" + span.getSpanContext().getTraceId() + "-"
                        + span.getSpanContext().getSpanId());
    }

    @Test
    void aConsumerHandlesWhatTheLocalBrokerGetsOnce() throws Exception {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("create table stock (name varchar(100), amount int)");
        }
        Inbox inbox = Inbox.builder("stock", dataSource)
                .on("order.placed", Order.class, (order, context) -> {
                    try (PreparedStatement insert =
                            context.connection().prepareStatement("insert into stock values (?, ?)")) {
                        insert.setString(1, order.name());
                        insert.setInt(2, order.amount());
                        insert.executeUpdate();
                    }
                })
                .build();
        Message message = Message.of("orders-topic", "{\"name\":\"tea\",\"amount\":3}".getBytes(StandardCharsets.UTF_8))
                .key("order-42")
                .headers(Map.of(MessageHeaders.EVENT_ID, Event.newId(), MessageHeaders.EVENT_TYPE, "order.placed"));
        CountDownLatch answered = new CountDownLatch(2);
        try (inbox;
                LocalBroker broker = LocalBroker.to(inbox)) {
            broker.publish(message, outcome -> answered.countDown());
            broker.publish(message, outcome -> answered.countDown());
            assertThat(answered.await(20, TimeUnit.SECONDS)).isTrue();
        }
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select count(*) from stock")) {
            rows.next();
            assertThat(rows.getInt(1)).isEqualTo(1);
        }
    }

    @Test
    void aCatalogRefusesWhatIsAmbiguous() {
        OutboxDefinition orders =
                OutboxDefinition.named("orders").route(Route.to("t")).types("order.placed");
        assertThatThrownBy(() -> Catalog.of(
                        orders,
                        OutboxDefinition.named("other").route(Route.to("t")).types("order.placed")))
                .hasMessageContaining("order.placed");
        assertThatThrownBy(() -> Catalog.of(
                        orders,
                        OutboxDefinition.named("other")
                                .route(Route.to("t"))
                                .types("x")
                                .table("orders_outbox")))
                .hasMessageContaining("share the table");
        assertThatThrownBy(() -> catalog.outbox("none")).hasMessageContaining("none");
        assertThat(List.copyOf(catalog.outboxes())).hasSize(1);
    }
}
