package dev.posthaste.jdbc;

import dev.posthaste.OutboxDefinition;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import javax.sql.DataSource;

/**
 * Posthaste's tables: the scripts as text for whoever runs them by hand, {@link #create} for whoever does not, and
 * {@link #check} for what is missing.
 *
 * <p>The scripts lie in the jar under {@code dev/posthaste/jdbc/DIALECT/}: {@code outbox.sql} for one outbox, written
 * for the name {@code posthaste_outbox}, and {@code posthaste.sql} for the tables that belong to Posthaste itself.
 */
public final class Schema {
    private static final String SCRIPT_NAME = "posthaste_outbox";
    private static final List<String> OWN_TABLES = List.of("posthaste_lease", "posthaste_relay");
    private static final List<String> INBOX_TABLES = List.of("posthaste_inbox");

    private final Dialect dialect;

    public Schema(Dialect dialect) {
        this.dialect = dialect;
    }

    /** Creates what does not exist yet: the tables of {@code outboxes}, and Posthaste's own. */
    public static void create(DataSource dataSource, Collection<OutboxDefinition> outboxes) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            Schema schema = new Schema(Dialect.of(connection));
            List<String> scripts = new ArrayList<>(List.of(schema.ownScript()));
            outboxes.forEach(outbox -> scripts.add(schema.outboxScript(outbox.table())));
            try (Statement statement = connection.createStatement()) {
                for (String sql : statements(scripts)) {
                    statement.execute(sql);
                }
            }
            if (!connection.getAutoCommit()) {
                connection.commit();
            }
        }
    }

    /** The script that creates one outbox. */
    public String outboxScript(TableLayout layout) {
        String script = resource("outbox.sql")
                .replace(dialect.quote(SCRIPT_NAME), dialect.quoteTable(layout.table()))
                .replace(SCRIPT_NAME + "_", layout.simpleName() + "_");
        return layout.binaryPayload() ? script.replaceAll("(?m)^(  payload +)\\w+", "$1" + binaryType()) : script;
    }

    /** The script that creates the lease, relay and inbox tables. */
    public String ownScript() {
        return resource("posthaste.sql");
    }

    private String binaryType() {
        return switch (dialect.name()) {
            case "postgresql" -> "bytea";
            case "h2" -> "blob";
            default -> "longblob";
        };
    }

    private String resource(String file) {
        String path = dialect.name() + "/" + file;
        try (InputStream in = Schema.class.getResourceAsStream(path)) {
            if (in == null) {
                throw new IllegalStateException("The jar holds no " + path);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> statements(List<String> scripts) {
        return scripts.stream()
                .flatMap(script -> Arrays.stream(script.replaceAll("(?m)^\\s*--.*$", "")
                        .replaceAll("(?m)\\s+--\\s.*$", "")
                        .split(";")))
                .map(String::strip)
                .filter(sql -> !sql.isEmpty())
                .toList();
    }

    /** What {@link #check} found. */
    public record Findings(List<String> errors, List<String> warnings) {
        /** @throws IllegalStateException with every error in its message, if there is any */
        public Findings orThrow() {
            if (!errors.isEmpty()) {
                throw new IllegalStateException("The database is not ready for Posthaste: " + String.join("; ", errors)
                        + ". Schema.create makes what is missing; the scripts are in the jar");
            }
            return this;
        }
    }

    /** Says which table, column or index is missing for relays, and which setting endangers the promises. */
    public static Findings check(DataSource dataSource, Collection<OutboxDefinition> outboxes) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            Dialect dialect = Dialect.of(connection);
            List<String> errors = new ArrayList<>();
            DatabaseMetaData data = connection.getMetaData();
            for (String table : OWN_TABLES) {
                if (columns(connection, data, table).isEmpty()) {
                    errors.add("table " + table + " is missing");
                }
            }
            for (OutboxDefinition outbox : outboxes) {
                checkOutbox(connection, data, outbox, errors);
            }
            return new Findings(errors, dialect.durabilityWarnings(connection));
        }
    }

    /** Says which table is missing for an inbox. */
    public static Findings checkInbox(DataSource dataSource) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            List<String> errors = new ArrayList<>();
            for (String table : INBOX_TABLES) {
                if (columns(connection, connection.getMetaData(), table).isEmpty()) {
                    errors.add("table " + table + " is missing");
                }
            }
            return new Findings(errors, List.of());
        }
    }

    private static final List<String> STANDARD_COLUMNS = List.of(
            "id",
            "event_id",
            "event_type",
            "event_version",
            "event_key",
            "destination",
            "routing_key",
            "headers",
            "payload",
            "status",
            "attempts",
            "max_attempts",
            "next_attempt_at",
            "last_error",
            "created_at",
            "published_at",
            "consumed_at",
            "updated_at");

    private static void checkOutbox(
            Connection connection, DatabaseMetaData data, OutboxDefinition outbox, List<String> errors)
            throws SQLException {
        TableLayout layout = outbox.table();
        Set<String> columns = columns(connection, data, layout.table());
        if (columns.isEmpty()) {
            errors.add("table " + layout.table() + " of outbox " + outbox.name() + " is missing");
            return;
        }
        for (String column : STANDARD_COLUMNS) {
            if (!columns.contains(column)) {
                errors.add("table " + layout.table() + " has no column " + column);
            }
        }
        Set<String> indexes = indexes(connection, data, layout.table());
        if (!indexes.contains(layout.pendingIndex())) {
            errors.add("table " + layout.table() + " has no index " + layout.pendingIndex());
        }
        if (!indexes.contains(layout.simpleName() + "_event_id")) {
            errors.add("table " + layout.table() + " has no unique index " + layout.simpleName() + "_event_id");
        }
    }

    private static Set<String> columns(Connection connection, DatabaseMetaData data, String table) throws SQLException {
        Set<String> names = new TreeSet<>();
        for (String spelling : spellings(table)) {
            try (ResultSet rows = data.getColumns(
                    connection.getCatalog(), schema(connection, table), pattern(data, spelling), null)) {
                while (rows.next()) {
                    names.add(rows.getString("COLUMN_NAME").toLowerCase(Locale.ROOT));
                }
            }
        }
        return names;
    }

    private static Set<String> indexes(Connection connection, DatabaseMetaData data, String table) throws SQLException {
        Set<String> names = new TreeSet<>();
        for (String spelling : spellings(table)) {
            try (ResultSet rows =
                    data.getIndexInfo(connection.getCatalog(), schema(connection, table), spelling, false, true)) {
                while (rows.next()) {
                    if (rows.getString("INDEX_NAME") != null) {
                        names.add(rows.getString("INDEX_NAME").toLowerCase(Locale.ROOT));
                    }
                }
            }
        }
        return names;
    }

    /** H2 keeps unquoted names in capitals. */
    private static Set<String> spellings(String table) {
        String simple = table.substring(table.indexOf('.') + 1);
        return Set.of(simple, simple.toUpperCase(Locale.ROOT));
    }

    private static @org.jspecify.annotations.Nullable String schema(Connection connection, String table)
            throws SQLException {
        return table.contains(".") ? table.substring(0, table.indexOf('.')) : connection.getSchema();
    }

    private static String pattern(DatabaseMetaData data, String name) throws SQLException {
        return name.replace("_", data.getSearchStringEscape() + "_");
    }
}
