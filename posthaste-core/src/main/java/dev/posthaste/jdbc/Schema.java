package dev.posthaste.jdbc;

import dev.posthaste.Names;
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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Posthaste's tables: the scripts as text for whoever runs them by hand, {@link #create} for whoever does not, and
 * {@link #check} for what is missing.
 *
 * <p>The scripts lie in the jar under {@code dev/posthaste/jdbc/DIALECT/}: {@code outbox.sql} for one outbox, written
 * for the name {@code posthaste_outbox}, {@code debezium.sql} likewise, {@code leases.sql} for relays and operators, and
 * {@code inbox.sql} for consumers.
 */
public final class Schema {
    private static final String SCRIPT_NAME = "posthaste_outbox";
    private static final List<String> OWN_TABLES = List.of("posthaste_lease", "posthaste_relay", "posthaste_audit");
    private static final List<String> INBOX_TABLES = List.of("posthaste_inbox");

    private final Dialect dialect;

    public Schema(Dialect dialect) {
        this.dialect = dialect;
    }

    /**
     * Creates what does not exist yet: the tables of {@code outboxes}, and Posthaste's own. A table that belongs to other
     * programs is left as it is.
     */
    public static void create(DataSource dataSource, Collection<OutboxDefinition> outboxes) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            Schema schema = new Schema(Dialect.of(connection));
            List<String> scripts = new ArrayList<>(List.of(schema.ownScript()));
            outboxes.stream()
                    .filter(outbox -> outbox.table().script() != null)
                    .forEach(outbox -> scripts.add(schema.outboxScript(outbox)));
            run(connection, scripts);
            schema.addColumns(connection, null);
            for (OutboxDefinition outbox : outboxes) {
                schema.addGeneration(connection, outbox.table());
            }
        }
    }

    /** The column that a later version added to outboxes. */
    private void addGeneration(Connection connection, TableLayout layout) throws SQLException {
        if (layout.isStandard()
                && layout.has(TableLayout.Column.GENERATION)
                && !columns(connection, layout.table()).contains(layout.column(TableLayout.Column.GENERATION))) {
            run(
                    connection,
                    List.of("alter table " + dialect.quoteTable(layout.table()) + " add "
                            + layout.column(TableLayout.Column.GENERATION) + " int default 0 not null"));
        }
    }

    /**
     * Creates the tables {@code posthaste_lease}, {@code posthaste_relay} and {@code posthaste_audit} in another schema (on MySQL and MariaDB:
     * another database of the same server), for relays that may not create any beside the outboxes. The schema exists.
     */
    public static void createLeases(DataSource dataSource, String schema) throws SQLException {
        Names.requireTable(schema);
        try (Connection connection = dataSource.getConnection()) {
            Dialect dialect = Dialect.of(connection);
            String script = new Schema(dialect).resource("leases.sql");
            for (String table : OWN_TABLES) {
                script = script.replace(" " + table + " (", " " + dialect.quoteTable(schema) + "." + table + " (");
            }
            run(connection, List.of(script));
            new Schema(dialect).addColumns(connection, schema);
        }
    }

    /** A column that a later version added to one of Posthaste's own tables. */
    private record Added(String table, String column, int length) {}

    private static final List<Added> ADDED =
            List.of(new Added("posthaste_lease", "paused_by", 100), new Added("posthaste_relay", "definition", 255));

    private void addColumns(Connection connection, @Nullable String schema) throws SQLException {
        for (Added each : ADDED) {
            String name = schema == null ? each.table() : schema + "." + each.table();
            if (!columns(connection, name).contains(each.column())) {
                run(
                        connection,
                        List.of("alter table "
                                + dialect.quoteTable(name).replace(dialect.quote(each.table()), each.table()) + " add "
                                + each.column() + " " + dialect.textType(each.length())));
            }
        }
    }

    private static void run(Connection connection, List<String> scripts) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements(scripts)) {
                statement.execute(sql);
            }
        }
        if (!connection.getAutoCommit()) {
            connection.commit();
        }
    }

    /**
     * The script that creates one outbox.
     *
     * @throws IllegalArgumentException if its table exists already and belongs to other programs
     */
    public String outboxScript(OutboxDefinition outbox) {
        TableLayout layout = outbox.table();
        String file = layout.script();
        if (file == null) {
            throw new IllegalArgumentException("Table " + layout.table() + " of outbox " + outbox.name()
                    + " exists already; Posthaste has no script for it");
        }
        String script = resource(file) + (outbox.tracked() && hasPublishedIndex() ? resource("tracked.sql") : "");
        if (!layout.isStandard()) {
            script = script.replace(
                    "_published on \"" + SCRIPT_NAME + "\" (id)",
                    "_published on \"" + SCRIPT_NAME + "\" (" + layout.column(TableLayout.Column.ID) + ")");
        }
        script = script.replace(dialect.quote(SCRIPT_NAME), dialect.quoteTable(layout.table()))
                .replace(SCRIPT_NAME + "_", layout.simpleName() + "_");
        return layout.payload() == TableLayout.Payload.BINARY
                ? script.replaceAll("(?m)^(  payload +)\\w+", "$1" + dialect.binaryType())
                : script;
    }

    /** Elsewhere the index on the status serves. */
    private boolean hasPublishedIndex() {
        return !dialect.indexesEveryStatus();
    }

    /** The script that creates the lease, relay, audit and inbox tables. */
    public String ownScript() {
        return resource("leases.sql") + resource("inbox.sql");
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

    /**
     * What {@link #check} found.
     *
     * @param missing tables, columns and indexes, which {@link #create} makes
     * @param faults other reasons why nothing would be published, or not what the product promises; each says what to do
     * @param warnings what endangers a promise, or costs much; each says what to do
     */
    public record Findings(List<String> missing, List<String> faults, List<String> warnings) {
        private Findings() {
            this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        }

        /** What is missing and what is wrong: no relay starts with any of it. */
        public List<String> errors() {
            return Stream.concat(missing.stream(), faults.stream()).toList();
        }

        /** @throws IllegalStateException with every error in its message, if there is any */
        public Findings orThrow() {
            if (!errors().isEmpty()) {
                throw new IllegalStateException("The database is not ready for Posthaste: "
                        + String.join("; ", errors())
                        + (missing.isEmpty()
                                ? ""
                                : ". Schema.create makes what is missing; the scripts are in the jar"));
            }
            return this;
        }
    }

    /**
     * Says which table, column or index is missing for relays, and which setting of the server, its tables or a layout
     * breaks or endangers a promise. What this user has no right to see is not reported.
     */
    public static Findings check(DataSource dataSource, Collection<OutboxDefinition> outboxes) throws SQLException {
        return check(dataSource, outboxes, null);
    }

    /** The same; {@code leases} is the schema that holds the lease tables, or null for the connection's. */
    public static Findings check(DataSource dataSource, Collection<OutboxDefinition> outboxes, @Nullable String leases)
            throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            Dialect dialect = Dialect.of(connection);
            Findings findings = new Findings();
            findings.warnings().addAll(dialect.checks().durabilityWarnings(connection));
            unlessDenied(connection, () -> dialect.checks().checkServer(connection, findings));
            for (String table : OWN_TABLES) {
                String name = leases == null ? table : leases + "." + table;
                Set<String> columns = columns(connection, name);
                if (columns.isEmpty()) {
                    findings.missing().add("table " + name + " is missing");
                }
                for (Added each : ADDED) {
                    if (!columns.isEmpty() && each.table().equals(table) && !columns.contains(each.column())) {
                        findings.missing()
                                .add("table " + name + " has no column " + each.column() + " (alter table " + name
                                        + " add " + each.column() + " " + dialect.textType(each.length()) + ")");
                    }
                }
                unlessDenied(
                        connection,
                        () -> dialect.checks().checkTable(connection, place(connection, name), table, findings));
            }
            for (OutboxDefinition outbox : outboxes) {
                new Schema(dialect).checkOutbox(connection, outbox, findings);
            }
            return findings;
        }
    }

    /** Says which table is missing for an inbox, and what endangers that an event takes effect once. */
    public static Findings checkInbox(DataSource dataSource) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            Dialect dialect = Dialect.of(connection);
            Findings findings = new Findings();
            for (String table : INBOX_TABLES) {
                if (columns(connection, table).isEmpty()) {
                    findings.missing().add("table " + table + " is missing");
                    continue;
                }
                String place = place(connection, table);
                unlessDenied(connection, () -> {
                    dialect.checks().checkTable(connection, place, table, findings);
                    new ColumnChecks(connection, dialect, findings).checkInbox(place, table);
                });
            }
            return findings;
        }
    }

    private interface Look {
        void run() throws SQLException;
    }

    /** Some servers deny users a look at their settings. */
    private static void unlessDenied(Connection connection, Look look) throws SQLException {
        try {
            look.run();
        } catch (SQLException e) {
            if (!SqlErrors.isDenied(e)) {
                throw e;
            }
            if (!connection.getAutoCommit()) {
                connection.rollback();
            }
        }
    }

    private void checkOutbox(Connection connection, OutboxDefinition outbox, Findings findings) throws SQLException {
        TableLayout layout = outbox.table();
        Set<String> columns = columns(connection, layout.table());
        if (columns.isEmpty()) {
            findings.missing().add("table " + layout.table() + " of outbox " + outbox.name() + " is missing");
            return;
        }
        for (String column : layout.columns().values()) {
            if (!columns.contains(column.toLowerCase(Locale.ROOT))) {
                findings.missing().add("table " + layout.table() + " has no column " + column);
            }
        }
        Map<String, String> indexes = indexes(connection, layout.table());
        if (layout.pendingIndex() != null) {
            checkIndexes(outbox, indexes.keySet(), findings);
        } else if (!indexes.containsValue(
                layout.column(TableLayout.Column.STATUS).toLowerCase(Locale.ROOT))) {
            findings.warnings()
                    .add("table " + layout.table() + " has no index that begins with "
                            + layout.column(TableLayout.Column.STATUS)
                            + ": looking for events that wait reads all of it, again and again");
        }
        String place = place(connection, layout.table());
        unlessDenied(connection, () -> dialect.checks().checkTable(connection, place, layout.simpleName(), findings));
        unlessDenied(connection, () -> dialect.checks().checkIds(connection, place, layout, findings));
        unlessDenied(connection, () -> new ColumnChecks(connection, dialect, findings).checkOutbox(outbox, place));
    }

    private void checkIndexes(OutboxDefinition outbox, Set<String> indexes, Findings findings) {
        TableLayout layout = outbox.table();
        requireIndex(layout, layout.simpleName() + "_pending", "index", indexes, findings);
        if (layout.isStandard()) {
            requireIndex(layout, layout.simpleName() + "_event_id", "unique index", indexes, findings);
        }
        if (outbox.tracked() && hasPublishedIndex()) {
            requireIndex(layout, layout.simpleName() + "_published", "index", indexes, findings);
        }
    }

    private static void requireIndex(
            TableLayout layout, String index, String kind, Set<String> indexes, Findings findings) {
        if (!indexes.contains(index.toLowerCase(Locale.ROOT))) {
            findings.missing().add("table " + layout.table() + " has no " + kind + " " + index);
        }
    }

    private static Set<String> columns(Connection connection, String table) throws SQLException {
        DatabaseMetaData data = connection.getMetaData();
        Set<String> names = new TreeSet<>();
        for (String spelling : spellings(table)) {
            try (ResultSet rows = data.getColumns(
                    catalog(connection, table), schema(connection, table), pattern(data, spelling), null)) {
                while (rows.next()) {
                    names.add(rows.getString("COLUMN_NAME").toLowerCase(Locale.ROOT));
                }
            }
        }
        return names;
    }

    /** The indexes' names, each with its first column. */
    private static Map<String, String> indexes(Connection connection, String table) throws SQLException {
        Map<String, String> names = new TreeMap<>();
        for (String spelling : spellings(table)) {
            try (ResultSet rows = connection
                    .getMetaData()
                    .getIndexInfo(catalog(connection, table), schema(connection, table), spelling, false, true)) {
                while (rows.next()) {
                    String index = rows.getString("INDEX_NAME");
                    if (index != null && rows.getInt("ORDINAL_POSITION") == 1) {
                        names.put(
                                index.toLowerCase(Locale.ROOT),
                                String.valueOf(rows.getString("COLUMN_NAME")).toLowerCase(Locale.ROOT));
                    }
                }
            }
        }
        return names;
    }

    /** H2 keeps unquoted names in capitals. */
    private static Set<String> spellings(String table) {
        String simple = table.substring(table.indexOf('.') + 1);
        return new LinkedHashSet<>(List.of(simple, simple.toUpperCase(Locale.ROOT)));
    }

    /** MySQL and MariaDB call a schema a catalog. */
    private static @Nullable String catalog(Connection connection, String table) throws SQLException {
        return table.contains(".") && connection.getSchema() == null
                ? table.substring(0, table.indexOf('.'))
                : connection.getCatalog();
    }

    private static @Nullable String schema(Connection connection, String table) throws SQLException {
        String current = connection.getSchema();
        return table.contains(".") && current != null ? table.substring(0, table.indexOf('.')) : current;
    }

    /** The schema of a table as {@code information_schema} calls it, on every database. */
    private static String place(Connection connection, String table) throws SQLException {
        String schema = schema(connection, table);
        return schema == null ? String.valueOf(catalog(connection, table)) : schema;
    }

    private static String pattern(DatabaseMetaData data, String name) throws SQLException {
        return name.replace("_", data.getSearchStringEscape() + "_");
    }
}
