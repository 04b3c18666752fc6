package dev.posthaste.reliability.torture;

import dev.posthaste.DuplicateEventException;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.TableLayout;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.jdbc.EventTable;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLIntegrityConstraintViolationException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;

/**
 * The outbox's table: Posthaste's own, or {@code agent_outbox_messages} as another program defined it, for MySQL and
 * MariaDB. That one has no columns for event ids, headers and generations, and stores JSON in envelopes.
 */
enum OutboxTable {
    OWN,
    EXISTING;

    private static final String EXISTING_TABLE = "agent_outbox_messages";
    private static final JsonMapper JSON = JsonMapper.shared();

    OutboxDefinition outbox(Route route, String... types) {
        OutboxDefinition outbox =
                OutboxDefinition.named(Setup.OUTBOX).table(table()).route(route).types(types);
        return this == OWN ? outbox : outbox.layout(TableLayout.mapped(EventTable.text(layout())));
    }

    /** Its name; the campaign's own statements read {@code orders}, which is a view if the table has another name. */
    String table() {
        return this == OWN ? Setup.OUTBOX : EXISTING_TABLE;
    }

    MessageFormat format() {
        return this == OWN ? MessageFormat.RAW : MessageFormat.ENVELOPE;
    }

    boolean takesHeaders() {
        return this == OWN;
    }

    /** A text as a payload of this table. */
    String payload(String text) {
        return this == OWN ? text : JSON.writeValueAsString(text);
    }

    /** The text in any table's payload; the campaign's texts never begin with a quotation mark. */
    static String text(String payload) {
        return payload.startsWith("\"") ? JSON.readValue(payload, String.class) : payload;
    }

    /**
     * To be called in a transaction before its events are written. If the table accepts the same event twice, an
     * application that writes again, not knowing whether it committed, must detect that itself.
     *
     * @throws DuplicateEventException if a transaction with this name was committed
     */
    void claim(Connection connection, String transaction) throws SQLException {
        if (this == OWN) {
            return;
        }
        try (PreparedStatement insert =
                connection.prepareStatement("insert into written (transaction_id) values (?)")) {
            insert.setString(1, transaction);
            insert.executeUpdate();
        } catch (SQLIntegrityConstraintViolationException e) {
            throw new DuplicateEventException(transaction + " was committed", e);
        }
    }

    /**
     * What exists before Posthaste: the table, and a view of it with the names of Posthaste's columns. The ids are only
     * in the envelopes; the campaign searches for them, so it adds its own column, which Posthaste never names.
     */
    List<String> script() {
        return this == OWN
                ? List.of()
                : List.of(
                        resource(".sql").replaceAll("(?m)^--.*$", "").strip().split(";\\s*(\\n|$)")[0],
                        "alter table " + EXISTING_TABLE
                                + " add column campaigns_id varchar(64) character set utf8mb4 collate utf8mb4_bin"
                                + " as (json_unquote(json_extract(payload, '$.event_id'))) stored,"
                                + " add key campaigns_index (campaigns_id)",
                        "create view " + Setup.OUTBOX
                                + " as select id, campaigns_id as event_id, message_key as event_key,"
                                + " status, retry_count as attempts, last_error from " + EXISTING_TABLE,
                        "create table written (transaction_id varchar(100) character set utf8mb4 collate utf8mb4_bin"
                                + " primary key)");
    }

    /** The layout in the file next to the table's script; see {@link EventTable#of}. */
    Map<String, String> layout() {
        Properties file = new Properties();
        try {
            file.load(new StringReader(resource(".properties")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Map<String, String> layout = new HashMap<>();
        file.stringPropertyNames().forEach(name -> layout.put(name, file.getProperty(name)));
        return new TreeMap<>(layout);
    }

    private static String resource(String ending) {
        String name = "/existing-tables/" + EXISTING_TABLE + ending;
        try (InputStream in = Objects.requireNonNull(OutboxTable.class.getResourceAsStream(name), name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
