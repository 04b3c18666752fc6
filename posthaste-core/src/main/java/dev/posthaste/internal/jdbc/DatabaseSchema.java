package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.SchemaException;
import dev.posthaste.internal.names.Names;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Posthaste's tables and the scripts that make them, and {@link #check} for what is missing. {@link dev.posthaste.Schema} is what
 * users call; not part of the API.
 */
public final class DatabaseSchema {
    private static final String SCRIPT_NAME = "posthaste_outbox";
    private static final List<String> OWN_TABLES = List.of("posthaste_lease", "posthaste_relay", "posthaste_audit");
    private static final List<String> INBOX_TABLES = List.of("posthaste_inbox");

    private final Dialect dialect;

    public DatabaseSchema(Dialect dialect) {
        this.dialect = dialect;
    }

    /**
     * Creates what does not exist yet: the tables of {@code outboxes}, and Posthaste's own. A table that belongs to other
     * programs is left as it is.
     */
    public static void create(DataSource dataSource, Collection<OutboxDefinition> outboxes) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            DatabaseSchema schema = new DatabaseSchema(Dialect.of(connection));
            FormerTable.requireNone(connection, outboxes);
            List<String> scripts = new ArrayList<>(List.of(schema.ownScript()));
            outboxes.stream()
                    .filter(outbox -> EventTable.of(outbox).script() != null)
                    .forEach(outbox -> scripts.add(schema.outboxScript(outbox)));
            run(connection, scripts);
            schema.addColumns(connection, null);
            for (OutboxDefinition outbox : outboxes) {
                schema.addGeneration(connection, EventTable.of(outbox));
            }
        }
    }

    /** The column that a later version added to outboxes. */
    private void addGeneration(Connection connection, EventTable layout) throws SQLException {
        if (layout.isStandard()
                && layout.has(EventTable.Column.GENERATION)
                && !TableMetadata.columns(connection, layout.table())
                        .contains(layout.column(EventTable.Column.GENERATION))) {
            run(
                    connection,
                    List.of("alter table " + dialect.quoteTable(layout.table()) + " add "
                            + layout.column(EventTable.Column.GENERATION) + " int default 0 not null"));
        }
    }

    /**
     * Creates the tables {@code posthaste_lease}, {@code posthaste_relay} and {@code posthaste_audit} in another schema
     * (on MySQL and MariaDB: another database of the same server), for relays that may not create tables beside the
     * outboxes. The schema must exist.
     */
    public static void createLeases(DataSource dataSource, String schema) throws SQLException {
        Names.requireTable(schema);
        try (Connection connection = dataSource.getConnection()) {
            Dialect dialect = Dialect.of(connection);
            String script = new DatabaseSchema(dialect).resource("leases.sql");
            for (String table : OWN_TABLES) {
                script = script.replace(" " + table + " (", " " + dialect.quoteTable(schema) + "." + table + " (");
            }
            run(connection, List.of(script));
            new DatabaseSchema(dialect).addColumns(connection, schema);
        }
    }

    /** A column that a later version added to one of Posthaste's own tables. */
    private record Added(String table, String column, int length) {}

    private static final List<Added> ADDED =
            List.of(new Added("posthaste_lease", "paused_by", 100), new Added("posthaste_relay", "definition", 255));

    private void addColumns(Connection connection, @Nullable String schema) throws SQLException {
        for (Added each : ADDED) {
            String name = schema == null ? each.table() : schema + "." + each.table();
            if (!TableMetadata.columns(connection, name).contains(each.column())) {
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
        EventTable layout = EventTable.of(outbox);
        String file = layout.script();
        if (file == null) {
            throw new IllegalArgumentException(existsAlready(outbox));
        }
        String script = resource(file) + (outbox.tracked() && hasPublishedIndex() ? resource("tracked.sql") : "");
        if (!layout.isStandard()) {
            script = script.replace(
                    "_published on \"" + SCRIPT_NAME + "\" (id)",
                    "_published on \"" + SCRIPT_NAME + "\" (" + layout.column(EventTable.Column.ID) + ")");
        }
        script = script.replace(dialect.quote(SCRIPT_NAME), dialect.quoteTable(layout.table()))
                .replace(SCRIPT_NAME + "_", layout.simpleName() + "_");
        return layout.payload() == EventTable.Payload.BINARY
                ? script.replaceAll("(?m)^(  payload +)\\w+", "$1" + dialect.binaryType())
                : script;
    }

    /** Elsewhere the index on the status serves. */
    private boolean hasPublishedIndex() {
        return !dialect.indexesEveryStatus();
    }

    /** Everything that {@link #create} creates. */
    public String script(Collection<OutboxDefinition> outboxes) {
        StringBuilder all = new StringBuilder(ownScript());
        for (OutboxDefinition outbox : outboxes) {
            boolean isTheirs = EventTable.of(outbox).script() == null;
            all.append(
                    isTheirs ? "\n-- " + existsAlready(outbox) + "\n" : "\n" + upgraded(outbox) + outboxScript(outbox));
        }
        return all.toString();
    }

    private static String upgraded(OutboxDefinition outbox) {
        String former = DefinedTables.supplied().formerTable(outbox);
        return former == null
                ? ""
                : "-- Does outbox " + outbox.name() + " exist since before 1.0, in table " + former
                        + "? Then do not run this: rename that table, or say table(\"" + former + "\").\n";
    }

    private static String existsAlready(OutboxDefinition outbox) {
        return "Table " + outbox.table() + " of outbox " + outbox.name()
                + " exists already; Posthaste has no script for it";
    }

    /** The script that creates the lease, relay, audit and inbox tables. */
    public String ownScript() {
        return resource("leases.sql") + resource("inbox.sql");
    }

    private String resource(String file) {
        String path = "/dev/posthaste/schema/" + dialect.name() + "/" + file;
        try (InputStream in = DatabaseSchema.class.getResourceAsStream(path)) {
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
     * @param missing tables, columns and indexes, which {@link #create} creates
     * @param faults other reasons why nothing would be published, or why promises would not be kept; each says what to
     *     do
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

        /** @throws SchemaException with every error, if there is any */
        public Findings orThrow() {
            if (!errors().isEmpty()) {
                throw new SchemaException(
                        "The database is not ready for Posthaste: "
                                + String.join("; ", errors())
                                + (missing.isEmpty()
                                        ? ""
                                        : ". Schema.create makes what is missing; the scripts are in the jar"),
                        errors());
            }
            return this;
        }
    }

    /**
     * Reports which table, column or index is missing for relays, and which setting of the server, its tables or a
     * layout breaks or endangers a promise. What this user has no right to see is not reported.
     */
    public static Findings check(DataSource dataSource, Collection<OutboxDefinition> outboxes) throws SQLException {
        return check(dataSource, outboxes, outboxes, null);
    }

    /**
     * The same for some of the outboxes.
     *
     * @param all all of the database's outboxes, as far as is known
     * @param leases the schema that holds the lease tables, or null for the connection's
     */
    public static Findings check(
            DataSource dataSource,
            Collection<OutboxDefinition> outboxes,
            Collection<OutboxDefinition> all,
            @Nullable String leases)
            throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            Dialect dialect = Dialect.of(connection);
            Findings findings = new Findings();
            findings.warnings().addAll(dialect.checks().durabilityWarnings(connection));
            unlessDenied(connection, () -> dialect.checks().checkServer(connection, findings));
            for (String table : OWN_TABLES) {
                String name = leases == null ? table : leases + "." + table;
                Set<String> columns = TableMetadata.columns(connection, name);
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
                        () -> dialect.checks()
                                .checkTable(connection, TableMetadata.place(connection, name), table, findings));
            }
            for (OutboxDefinition outbox : outboxes) {
                new DatabaseSchema(dialect).checkOutbox(connection, outbox, all, findings);
            }
            return findings;
        }
    }

    /**
     * Reports which table is missing for an inbox, and what endangers the guarantee that an event takes effect once.
     */
    public static Findings checkInbox(DataSource dataSource) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            Dialect dialect = Dialect.of(connection);
            Findings findings = new Findings();
            for (String table : INBOX_TABLES) {
                if (TableMetadata.columns(connection, table).isEmpty()) {
                    findings.missing().add("table " + table + " is missing");
                    continue;
                }
                String place = TableMetadata.place(connection, table);
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

    /** Some servers do not let users see their settings. */
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

    private void checkOutbox(
            Connection connection, OutboxDefinition outbox, Collection<OutboxDefinition> all, Findings findings)
            throws SQLException {
        EventTable layout = EventTable.of(outbox);
        Set<String> columns = TableMetadata.columns(connection, layout.table());
        boolean former = FormerTable.holds(connection, outbox, all);
        if (columns.isEmpty()) {
            if (former) {
                findings.faults().add(FormerTable.says(outbox));
            } else {
                findings.missing().add("table " + layout.table() + " of outbox " + outbox.name() + " is missing");
            }
            return;
        }
        if (former && FormerTable.holdsPending(connection, dialect, outbox)) {
            findings.faults().add(FormerTable.saysPending(outbox));
        } else if (former) {
            findings.warnings()
                    .add(
                            "outbox " + outbox.name() + " is in table " + layout.table() + ", and there is a table "
                                    + DefinedTables.supplied().formerTable(outbox)
                                    + " like it, where it was by default until 1.0: whatever is pending there is not published");
        }
        for (String column : layout.columns().values()) {
            if (!columns.contains(column.toLowerCase(Locale.ROOT))) {
                findings.missing().add("table " + layout.table() + " has no column " + column);
            }
        }
        Map<String, String> indexes = TableMetadata.indexes(connection, layout.table());
        if (layout.pendingIndex() != null) {
            checkIndexes(outbox, indexes.keySet(), findings);
        } else if (!indexes.containsValue(
                layout.column(EventTable.Column.STATUS).toLowerCase(Locale.ROOT))) {
            findings.warnings()
                    .add("table " + layout.table() + " has no index that begins with "
                            + layout.column(EventTable.Column.STATUS)
                            + ": looking for events that wait reads all of it, again and again");
        }
        String place = TableMetadata.place(connection, layout.table());
        unlessDenied(connection, () -> dialect.checks().checkTable(connection, place, layout.simpleName(), findings));
        unlessDenied(connection, () -> dialect.checks().checkIds(connection, place, layout, findings));
        unlessDenied(connection, () -> new ColumnChecks(connection, dialect, findings).checkOutbox(outbox, place));
    }

    private void checkIndexes(OutboxDefinition outbox, Set<String> indexes, Findings findings) {
        EventTable layout = EventTable.of(outbox);
        requireIndex(layout, layout.simpleName() + "_pending", "index", indexes, findings);
        if (layout.isStandard()) {
            requireIndex(layout, layout.simpleName() + "_event_id", "unique index", indexes, findings);
        }
        if (outbox.tracked() && hasPublishedIndex()) {
            requireIndex(layout, layout.simpleName() + "_published", "index", indexes, findings);
        }
    }

    private static void requireIndex(
            EventTable layout, String index, String kind, Set<String> indexes, Findings findings) {
        if (!indexes.contains(index.toLowerCase(Locale.ROOT))) {
            findings.missing().add("table " + layout.table() + " has no " + kind + " " + index);
        }
    }
}
