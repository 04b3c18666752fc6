package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.InvalidEventException;
import dev.posthaste.NoTransactionException;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Schema;
import dev.posthaste.TableLayout;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.store.PendingEvent;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is promised to applications that write events in their own transactions, on every database. */
public abstract class WriterContract extends DatabaseContract {
    protected WriterContract(DatabaseSource source) {
        super(source);
    }

    private List<String> payloads() {
        return StoreHazardsContract.texts(pending());
    }

    @Test
    void objectsBecomeJson() throws Exception {
        write(Event.of(TYPE, null, Map.of("amount", 3)));
        assertThat(payloads()).singleElement().asString().isEqualToIgnoringWhitespace("{\"amount\":3}");
    }

    @Test
    void whatCanNeverBeStoredIsRefusedBeforeAnySql() throws Exception {
        try (Connection connection = begin()) {
            assertThatThrownBy(() -> outbox.write(connection, Event.of("order.unknown", null, "x")))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("order.unknown");
            int longest = EventTable.of(orders).length(Column.KEY);
            assertThatThrownBy(() -> outbox.write(connection, Event.of(TYPE, "k".repeat(longest + 1), json("x"))))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining(Integer.toString(longest));
            if (!EventTable.of(orders).has(Column.KEY)) {
                assertThatThrownBy(() -> outbox.write(connection, Event.of(TYPE, "k", json("x"))))
                        .isInstanceOf(InvalidEventException.class)
                        .hasMessageContaining("no column for a key");
            }
            assertThatThrownBy(() -> outbox.write(connection, Event.of(TYPE, null, "x".repeat(1_000_001))))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("1000000");
            assertThatThrownBy(() -> outbox.write(connection, Event.of(TYPE, null, new byte[] {(byte) 0xff})))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("UTF-8");
            assertThatThrownBy(() -> outbox.write(
                            connection, Event.of(TYPE, null, json("x")).destination("elsewhere")))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("elsewhere");
            outbox.write(connection, event("\uD83D\uDE00".repeat(64), "the transaction is still good"));
            connection.commit();
        }
        assertThat(payloads()).containsExactly("the transaction is still good");
        try (Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(true);
            assertThatThrownBy(() -> outbox.write(connection, event("k", "x")))
                    .isInstanceOf(NoTransactionException.class)
                    .hasMessageContaining("auto-commit");
        }
    }

    /** Whether a time in the table means the same to every session. */
    protected boolean timesKnowTheirZone() {
        return dialect != Dialect.SQLITE; // whose sessions have no zone
    }

    @Test
    void H30_sessionsInOtherTimeZonesAgreeOnWhatIsDue() throws Exception {
        String zone = dialect == Dialect.MYSQL || dialect == Dialect.MARIADB
                ? "set time_zone = '+09:00'"
                : "set time zone 'Asia/Tokyo'";
        try (Connection connection = begin();
                Statement statement = connection.createStatement()) {
            if (timesKnowTheirZone()) {
                statement.execute(zone);
            }
            outbox.write(
                    connection,
                    List.of(event("now", "now"), event("later", "later").delay(Duration.ofSeconds(100))));
            connection.commit();
            if (timesKnowTheirZone()) {
                statement.execute(zone.replace("+09:00", "+00:00").replace("Asia/Tokyo", "UTC"));
            }
        }
        assertThat(pending())
                .satisfiesExactly(
                        now -> assertThat(Duration.ofNanos(now.waitNanos())).isLessThanOrEqualTo(rounding()),
                        later -> assertThat(Duration.ofNanos(later.waitNanos()))
                                .isBetween(
                                        Duration.ofSeconds(90),
                                        Duration.ofSeconds(100).plus(rounding())));
        assertThat(Duration.ofNanos(pending().get(0).ageNanos())).isLessThan(Duration.ofSeconds(60));
    }

    @Test
    void aBinaryLayoutKeepsBytes() throws Exception {
        OutboxDefinition binary = OutboxDefinition.named("raw")
                .types("raw")
                .table("raw_events")
                .layout(TableLayout.standard().binaryPayload(true));
        Schema.create(dataSource, Catalog.of(binary));
        byte[] bytes = {0, 1, (byte) 0xff, 'x'};
        try (Connection connection = begin()) {
            dev.posthaste.JdbcOutbox.of(dev.posthaste.Catalog.of(binary))
                    .write(connection, Event.of("raw", null, bytes));
            connection.commit();
        }
        var raw = new dev.posthaste.internal.jdbc.RowStore(dataSource, dialect, binary);
        assertThat(((PendingEvent) raw.fetch(0, 1, ALL).get(0)).event().payload())
                .isEqualTo(bytes);
    }
}
