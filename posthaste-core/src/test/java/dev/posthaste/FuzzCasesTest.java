package dev.posthaste;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.jdbc.Stores;
import dev.posthaste.internal.messages.Envelope;
import dev.posthaste.internal.messages.EventIds;
import dev.posthaste.internal.receipts.OriginHeaders;
import dev.posthaste.internal.receipts.ReceiptMessages;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.StoredRow;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Findings of the fuzzer, as it found them. */
class FuzzCasesTest {
    private static final OutboxDefinition ORDERS = OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("orders"))
            .types("order.placed");
    private static final byte[] PAYLOAD = "{}".getBytes(StandardCharsets.UTF_8);

    private static StoredRow event(long row, String id, @Nullable String key, @Nullable String headers) {
        return new StoredRow(row, id, "order.placed", "v1", key, null, null, headers, PAYLOAD);
    }

    private static DataSource database(OutboxDefinition outbox, String... sql) throws SQLException {
        JdbcDataSource dataSource = new JdbcDataSource();
        dataSource.setURL("jdbc:h2:mem:" + Event.newId() + ";DB_CLOSE_DELAY=-1");
        Schema.create(dataSource, Catalog.of(outbox));
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            for (String each : sql) {
                statement.execute(each);
            }
        }
        return dataSource;
    }

    private static StoreOutboxAdmin admin(DataSource dataSource, OutboxDefinition outbox) {
        return Stores.in(dataSource).admin(Catalog.of(outbox)).outbox("orders");
    }

    @Test
    void C01_nobodyWritesJsonThatNobodyReads() {
        for (String half : List.of("V\udc00L", "V\ud800L", "\ud800")) {
            Envelope envelope = new Envelope(1, "id", "type", "v1", "service", half, PAYLOAD);
            assertThatThrownBy(envelope::toJson).isInstanceOf(IllegalArgumentException.class);
            for (MessageFormat format : List.of(MessageFormat.ENVELOPE, MessageFormat.cloudEventsStructured("/shop"))) {
                assertThatThrownBy(() -> format.write(event(1, "id", half, null), ORDERS))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("half of a surrogate pair");
            }
        }
    }

    @Test
    void C13_whatIsWrittenIsNeverNestedDeeperThanItsReadersTake() {
        for (MessageFormat format : List.of(MessageFormat.ENVELOPE, MessageFormat.cloudEventsStructured("/shop"))) {
            assertThat(format.read(format.write(nested(499), ORDERS)).body())
                    .isEqualTo(nested(499).payload());
            assertThatThrownBy(() -> format.write(nested(500), ORDERS)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static StoredRow nested(int levels) {
        byte[] payload = ("[".repeat(levels) + "]".repeat(levels)).getBytes(StandardCharsets.UTF_8);
        return event(1, "id", null, null).with(null, payload);
    }

    @ParameterizedTest
    @ValueSource(longs = {1_890_000_000_000_000_000L, Long.MAX_VALUE, -7, Long.MIN_VALUE})
    void C02_rowsOfNineteenDigitsOrBelowOneAreRowsToo(long row) {
        Receipt.Consumed receipt = new Receipt.Consumed("orders", row, "id");
        for (MessageFormat format : List.of(MessageFormat.RAW, MessageFormat.ENVELOPE)) {
            Message message = format.write(event(row, "id", null, null), ORDERS);
            assertThat(OriginHeaders.consumed(format.read(message))).isEqualTo(receipt);
        }
        assertThat(ReceiptMessages.read(ReceiptMessages.write(receipt))).isEqualTo(receipt);
        assertThat(Envelope.open(new Envelope(row, "id", null, null, null, null, PAYLOAD).toJson())
                        .outboxId())
                .isEqualTo(row);
    }

    @Test
    void C02_whatHasNoHeadersOnTheWayIsKnownByItsServiceAndItsRow() {
        for (long row : new long[] {0, -7, 1_890_000_000_000_000_000L}) {
            String id = EventIds.ofPosition("orders", row);
            Message sent = MessageFormat.ENVELOPE.write(event(row, id, null, null), ORDERS);
            Message bare = Message.of("orders", sent.body());
            assertThat(MessageFormat.ENVELOPE.read(bare).eventId()).isEqualTo(id);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.5",
                "1e2",
                "9223372036854775808",
                "true",
                "\"\"",
                "\"1.5\"",
                "\"+1\"",
                "[1]",
                "null",
                "-9e99999"
            })
    void C03_aReceiptNamesAWholeRowOrNone(String row) {
        byte[] json = ("{\"outbox\":\"orders\",\"event_id\":\"a\",\"status\":\"consumed\",\"row\":" + row + "}")
                .getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> ReceiptMessages.read(json))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("position");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ORDERS", "_", "T1"})
    void C04_aTableMayBeNamedInCapitals(String table) throws Exception {
        OutboxDefinition outbox = ORDERS.table(table).tracked(true);
        DataSource dataSource = database(outbox);
        assertThat(DatabaseSchema.check(dataSource, List.of(outbox)).errors()).isEmpty();
    }

    @Test
    void C05_anEventWithoutAnIdIsFoundByTheOneThatItIsKnownBy() throws Exception {
        OutboxDefinition outbox = OutboxDefinition.named("orders")
                .route(Route.to("outbox.event.orders"))
                .types("order.placed")
                .table("orders")
                .layout(TableLayout.debezium());
        DataSource dataSource = database(outbox, """
                insert into "orders" ("id", "aggregatetype", "aggregateid", "type", "payload", "position")
                values ('', 'orders', 'k', 'order.placed', '{}', 17), ('orders-18', 'orders', 'k', 'order.placed', '{}', 19)
                """);
        for (String id : List.of("orders-17", "orders-18")) {
            assertThat(admin(dataSource, outbox)
                            .search(EventFilter.all().eventId(id))
                            .events())
                    .extracting(found -> found.eventId())
                    .containsExactly(id);
        }
        assertThat(admin(dataSource, outbox)
                        .search(EventFilter.all().eventId("orders-19"))
                        .events())
                .isEmpty();
    }

    @Test
    void C08_timesThatNoDatabaseKnowsAreNotLookedFor() {
        for (Instant time : List.of(Instant.MIN, Instant.MAX, Instant.parse("0999-12-31T23:59:59Z"))) {
            assertThatThrownBy(() -> EventFilter.all().from(time)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> EventFilter.all().to(time)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void C09_headersOfAMessageThatAProgramPassesOnSayNothingOfItsOwnEvent() {
        String passedOn = """
                {"posthaste-replay": "r1", "posthaste-no-receipts": "several", "posthaste-event-key": "another",
                 "posthaste-generation": "7", "posthaste-digest": "00000000", "posthaste-own": "kept", "tenant": "acme"}""";
        for (MessageFormat format :
                List.of(MessageFormat.RAW, MessageFormat.ENVELOPE, MessageFormat.cloudEvents("/shop"))) {
            Message read = format.read(format.write(event(5, "id", null, passedOn), ORDERS));
            assertThat(OriginHeaders.consumed(read)).isEqualTo(new Receipt.Consumed("orders", 5, "id"));
            assertThat(read.headers())
                    .containsEntry("posthaste-own", "kept")
                    .containsEntry("tenant", "acme")
                    .doesNotContainKeys(
                            MessageHeaders.EVENT_KEY,
                            MessageHeaders.GENERATION,
                            MessageHeaders.DIGEST,
                            MessageHeaders.REPLAY);
        }
    }

    @Test
    void C09_everyNameThatPosthasteGivesIsReserved() throws Exception {
        for (Field field : MessageHeaders.class.getDeclaredFields()) {
            if (Modifier.isPublic(field.getModifiers())) {
                assertThat(MessageHeaders.isReserved(String.valueOf(field.get(null))))
                        .as(field.getName())
                        .isTrue();
            }
        }
    }

    @Test
    void C10_aWaitThatCannotBeCountedIsRefused() {
        Duration tooLong = Duration.ofDays(999_999_999_999L);
        assertThatThrownBy(() -> RetryPolicy.fixed(tooLong).attempts(3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("100 years");
        assertThatThrownBy(() -> RetryPolicy.exponential(Duration.ZERO, tooLong).forever())
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void C11_rowZeroIsRequeuedAndAudited() throws Exception {
        DataSource dataSource = database(ORDERS, """
                insert into "orders" (id, event_id, event_type, payload, status)
                values (0, 'zero', 'order.placed', '{}', 'dead'), (1, 'one', 'order.placed', '{}', 'dead')
                """);
        StoreOutboxAdmin admin = admin(dataSource, ORDERS);
        Change change = Change.by("ada", "put right").id("c1");
        assertThat(admin.requeue(EventFilter.status(Status.DEAD), change).events())
                .isEqualTo(2);
        assertThat(admin.requeue(EventFilter.status(Status.DEAD), change).repeated())
                .isTrue();
        assertThat(new RowStore(dataSource, Dialect.H2, ORDERS).counts()).containsEntry(Status.PENDING, 2L);
        assertThat(admin.audit(0L, null, 10)).extracting(AuditEntry::eventId).containsExactly("zero");
        assertThat(admin.audit(null, null, 10)).extracting(AuditEntry::position).containsOnly(null, 0L, 1L);
    }
}
