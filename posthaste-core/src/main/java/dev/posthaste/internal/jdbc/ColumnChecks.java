package dev.posthaste.internal.jdbc;

import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.jdbc.EventTable.Column;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Compares what a table's columns can hold with its layout: lengths, character sets, how texts compare, which clock
 * times show. A column that this user may not see is skipped.
 */
final class ColumnChecks {
    private static final List<Column> TEXTS = List.of(
            Column.EVENT_ID,
            Column.TYPE,
            Column.VERSION,
            Column.KEY,
            Column.DESTINATION,
            Column.ROUTING_KEY,
            Column.SERVICE,
            Column.LAST_ERROR);
    private static final List<Column> ANY_CHARACTER =
            List.of(Column.KEY, Column.HEADERS, Column.PAYLOAD, Column.LAST_ERROR);
    private static final List<Column> TIMES = List.of(
            Column.NEXT_ATTEMPT_AT, Column.CREATED_AT, Column.PUBLISHED_AT, Column.CONSUMED_AT, Column.UPDATED_AT);
    /** The character sets of MySQL and MariaDB that have every character, and H2's. */
    private static final Set<String> WHOLE_CHARSETS =
            Set.of("utf8mb4", "utf16", "utf16le", "utf32", "gb18030", "binary", "Unicode");
    /** Types whose length is given in bytes rather than in characters. */
    private static final Set<String> BYTE_LENGTHS =
            Set.of("tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob");
    /** The most bytes that a UTF-16 unit takes in UTF-8. */
    private static final int BYTES_OF_UNIT = 3;

    /**
     * A column as the database describes it.
     *
     * @param type in lower case
     * @param length in characters or, for MySQL's texts and blobs, in bytes; {@link Long#MAX_VALUE} without a limit
     * @param charset null where it is the database's, or the column holds no text
     * @param collation likewise
     */
    record Facts(
            String schema,
            String table,
            String name,
            String type,
            long length,
            @Nullable String charset,
            @Nullable String collation) {
        /** How many UTF-16 units it holds at least. */
        private long units() {
            return BYTE_LENGTHS.contains(type) ? length / BYTES_OF_UNIT : length;
        }

        private boolean isNumber() {
            return length == Long.MAX_VALUE && !type.matches(".*(char|text|uuid|bytea|clob|blob|large object|json).*");
        }

        @Override
        public String toString() {
            return "column " + name + " of table " + table;
        }
    }

    private final Connection connection;
    private final Dialect dialect;
    private final DatabaseSchema.Findings findings;

    ColumnChecks(Connection connection, Dialect dialect, DatabaseSchema.Findings findings) {
        this.connection = connection;
        this.dialect = dialect;
        this.findings = findings;
    }

    // --- Outboxes ----------------------------------------------------------------------------------------------------

    void checkOutbox(OutboxDefinition outbox, String schema) throws SQLException {
        EventTable layout = EventTable.of(outbox);
        Map<String, Facts> columns = dialect.checks().columns(connection, schema, layout.simpleName());
        for (Map.Entry<Column, String> each : layout.columns().entrySet()) {
            Facts facts = columns.get(each.getValue().toLowerCase(Locale.ROOT));
            if (facts != null) {
                checkColumn(outbox, each.getKey(), facts);
            }
        }
    }

    private void checkColumn(OutboxDefinition outbox, Column column, Facts facts) throws SQLException {
        if (TEXTS.contains(column)) {
            checkLength(outbox, column, facts);
        } else if (column == Column.HEADERS || column == Column.PAYLOAD) {
            checkSize(EventTable.of(outbox), column, facts);
        } else if (TIMES.contains(column)) {
            dialect.checks().checkTimes(connection, EventTable.of(outbox).zone(), facts, findings);
        } else if (column == Column.ID && !facts.isNumber()) {
            findings.faults()
                    .add(facts + " is of type " + facts.type()
                            + ": events are published in the order of this column, which"
                            + " must be a number that grows with every row. Add one, such as a bigint that the database"
                            + " generates, and name it in the layout");
        }
        if (ANY_CHARACTER.contains(column)) {
            checkCharset(facts);
        }
        if (column == Column.KEY) {
            checkCollation(
                    facts,
                    "a relay compares keys byte by byte and orders each on its own, but the database's searches and other"
                            + " programs' queries take both for one key");
        } else if (column == Column.EVENT_ID) {
            checkCollation(facts, "an event whose id differs from another's in this alone is refused as its duplicate");
        }
    }

    private void checkLength(OutboxDefinition outbox, Column column, Facts facts) {
        EventTable layout = EventTable.of(outbox);
        int wanted = column == Column.SERVICE ? outbox.name().length() : layout.length(column);
        if (facts.units() >= wanted) {
            return;
        }
        String risk = column == Column.LAST_ERROR
                ? "when an error text is longer, the database refuses it together with the event's status"
                : "a longer one passes JdbcOutbox.write and the database refuses it, or cuts it silently where its mode is not"
                        + " strict";
        findings.warnings()
                .add(facts + " holds " + number(facts.units()) + " characters, and " + number(wanted)
                        + " are expected: " + risk + ". " + remedy(layout, column, facts.units()));
    }

    private void checkSize(EventTable layout, Column column, Facts facts) {
        long wanted = layout.length(column) > 0
                ? layout.length(column)
                : column == Column.HEADERS ? JdbcOutbox.MAX_HEADER_BYTES : JdbcOutbox.MAX_PAYLOAD_BYTES;
        if (facts.length() < wanted) {
            findings.warnings()
                    .add(facts + " holds " + number(facts.length()) + " bytes, and up to " + number(wanted)
                            + " are expected: more passes JdbcOutbox.write and the database refuses it, or cuts it silently"
                            + " where its mode is not strict. " + remedy(layout, column, facts.length()));
        }
    }

    private static String remedy(EventTable layout, Column column, long length) {
        String widen = "Widen the column";
        return layout.isStandard() || column == Column.SERVICE
                ? widen
                : widen + ", or set length." + column.key() + " = " + length + " in the layout";
    }

    private void checkCharset(Facts facts) {
        String charset = facts.charset();
        if (charset != null && !WHOLE_CHARSETS.contains(charset)) {
            findings.warnings()
                    .add(facts + " has character set " + charset
                            + ", which lacks characters such as emoji: the database"
                            + " refuses a text with one, or writes '?' where its mode is not strict. Convert the column to"
                            + " utf8mb4");
        }
    }

    private void checkCollation(Facts facts, String risk) throws SQLException {
        List<String> equal = dialect.checks().equalTexts(connection, facts);
        if (equal.isEmpty()) {
            return;
        }
        String collation = facts.collation() == null ? "" : " (collation " + facts.collation() + ")";
        findings.warnings()
                .add("in " + facts + " the database holds " + String.join(", ", equal) + " equal" + collation + ": "
                        + risk + ". Use " + dialect.checks().byteCollation(connection));
    }

    // --- Inboxes -----------------------------------------------------------------------------------------------------

    void checkInbox(String schema, String table) throws SQLException {
        Map<String, Facts> columns = dialect.checks().columns(connection, schema, table);
        Facts eventId = columns.get("event_id");
        if (eventId != null) {
            checkCollation(
                    eventId,
                    "an event whose id differs from a handled one's in this alone is taken for a duplicate and never"
                            + " handled");
        }
        Facts consumer = columns.get("consumer");
        if (consumer != null) {
            checkCollation(
                    consumer,
                    "what one of two consumers with such names has handled is taken for handled by the other");
        }
    }

    // --- Reading -----------------------------------------------------------------------------------------------------

    static Map<String, Facts> fromInformationSchema(Connection connection, String schema, String table)
            throws SQLException {
        Map<String, Facts> columns = new LinkedHashMap<>();
        try (PreparedStatement statement = connection.prepareStatement("""
                select table_name, column_name, data_type, character_maximum_length, character_set_name, collation_name
                from information_schema.columns where table_schema = ? and table_name in (?, ?)
                """)) {
            statement.setString(1, schema);
            statement.setString(2, table);
            statement.setString(3, table.toUpperCase(Locale.ROOT)); // H2 keeps unquoted names in capitals
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    String name = row.getString("column_name");
                    String type = row.getString("data_type").toLowerCase(Locale.ROOT);
                    long found = row.getLong("character_maximum_length");
                    long length = row.wasNull() ? Long.MAX_VALUE : found;
                    columns.put(
                            name.toLowerCase(Locale.ROOT),
                            new Facts(
                                    schema,
                                    row.getString("table_name"),
                                    name,
                                    type,
                                    length,
                                    row.getString("character_set_name"),
                                    row.getString("collation_name")));
                }
            }
        }
        return columns;
    }

    private static String number(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }
}
