package dev.posthaste.testkit;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.PayloadSerializer;
import dev.posthaste.Status;
import dev.posthaste.TableLayout;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Calendar;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The table of one outbox as tests see and change it, by plain SQL; only for Posthaste's own layout. */
final class WrittenRows {
    private static final TableLayout TEXT = TableLayout.standard();
    private static final TableLayout BYTES = TableLayout.standard().binaryPayload(true);

    private final Connection connection;
    private final OutboxDefinition outbox;
    private final String table;
    /** Whether its times have a zone: a time without one would be read in the session's zone. */
    private final boolean zoned;

    /** @throws UnsupportedOperationException if its table is not Posthaste's own */
    WrittenRows(Connection connection, OutboxDefinition outbox) throws SQLException {
        if (!outbox.layout().equals(TEXT) && !outbox.layout().equals(BYTES)) {
            throw new UnsupportedOperationException(
                    "Outbox " + outbox.name() + " has a table with the layout " + outbox.layout()
                            + ", and the tester reads and changes only Posthaste's own. Query the table directly");
        }
        this.connection = connection;
        this.outbox = outbox;
        String product = connection.getMetaData().getDatabaseProductName();
        this.zoned = product.equals("H2") || product.equals("PostgreSQL");
        String quote = connection.getMetaData().getIdentifierQuoteString().strip();
        this.table = Arrays.stream(outbox.table().split("\\."))
                .map(part -> quote + part + quote)
                .collect(Collectors.joining("."));
    }

    /** All of them, in their order. */
    List<WrittenEvent> read() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("select event_id, event_type, event_version,"
                        + " event_key, headers, payload, status from " + table + " order by id");
                ResultSet rows = statement.executeQuery()) {
            List<WrittenEvent> found = new ArrayList<>();
            while (rows.next()) {
                found.add(event(rows));
            }
            return found;
        }
    }

    private WrittenEvent event(ResultSet row) throws SQLException {
        return new WrittenRow(
                row.getString("event_id"),
                row.getString("event_type"),
                row.getString("event_version"),
                row.getString("event_key"),
                Status.ofCode(row.getString("status")),
                headers(row.getString("headers")),
                outbox.layout().equals(BYTES)
                        ? row.getBytes("payload")
                        : row.getString("payload").getBytes(StandardCharsets.UTF_8));
    }

    private static Map<String, String> headers(@Nullable String json) {
        Map<String, String> headers = new TreeMap<>();
        if (json != null) {
            try {
                Map<?, ?> read = PayloadSerializer.json()
                        .read(
                                json.getBytes(StandardCharsets.UTF_8),
                                Map.class,
                                new WrittenRow.Info("headers", "", Map.of()));
                read.forEach((name, value) -> headers.put(String.valueOf(name), String.valueOf(value)));
            } catch (Exception e) {
                throw new IllegalStateException("Headers cannot be read: " + json, e);
            }
        }
        return headers;
    }

    /** Shortens every wait for a time by this much. */
    void advance(Duration time) throws SQLException {
        for (Map.Entry<Long, Instant> waiting : waiting().entrySet()) {
            try (PreparedStatement statement =
                    connection.prepareStatement("update " + table + " set next_attempt_at = ? where id = ?")) {
                Instant then = waiting.getValue().minus(time);
                if (zoned) {
                    statement.setObject(1, then.atOffset(ZoneOffset.UTC));
                } else {
                    statement.setTimestamp(1, Timestamp.from(then), utc());
                }
                statement.setLong(2, waiting.getKey());
                statement.executeUpdate();
            }
        }
    }

    private Map<Long, Instant> waiting() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("select id, next_attempt_at from " + table
                        + " where status = 'pending' and next_attempt_at is not null");
                ResultSet rows = statement.executeQuery()) {
            Map<Long, Instant> waiting = new LinkedHashMap<>();
            while (rows.next()) {
                waiting.put(
                        rows.getLong("id"),
                        zoned
                                ? rows.getObject("next_attempt_at", OffsetDateTime.class)
                                        .toInstant()
                                : rows.getTimestamp("next_attempt_at", utc()).toInstant());
            }
            return waiting;
        }
    }

    private static Calendar utc() {
        return Calendar.getInstance(TimeZone.getTimeZone("UTC"));
    }
}
