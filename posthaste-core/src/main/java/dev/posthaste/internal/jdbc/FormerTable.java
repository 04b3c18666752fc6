package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.SchemaException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.sql.DataSource;

/**
 * Outboxes in a table of their own name, the default until 1.0, when {@code NAME_outbox} became the default. Internal,
 * and to be dropped in 2.0.
 */
public final class FormerTable {
    private FormerTable() {}

    /**
     * The outbox as it is in this database: in the table {@code NAME}, the default until 1.0, if it sets no table,
     * there is no table {@code NAME_outbox}, and {@code NAME} has its layout and belongs to no other outbox. To be
     * dropped in 2.0.
     *
     * @param all the outboxes of this database, with this one
     */
    public static OutboxDefinition found(
            DataSource dataSource, OutboxDefinition outbox, Collection<OutboxDefinition> all) throws SQLException {
        String former = DefinedTables.supplied().formerTable(outbox);
        if (former == null) {
            return outbox;
        }
        try (Connection connection = dataSource.getConnection()) {
            boolean isThere = !TableMetadata.columns(connection, outbox.table()).isEmpty();
            return isThere || !holds(connection, outbox, all) ? outbox : outbox.table(former);
        }
    }

    /** An empty table beside the one that held the events until now would never be noticed. */
    static void requireNone(Connection connection, Collection<OutboxDefinition> outboxes) throws SQLException {
        List<String> problems = new ArrayList<>();
        for (OutboxDefinition outbox : outboxes) {
            if (TableMetadata.columns(connection, outbox.table()).isEmpty() && holds(connection, outbox, outboxes)) {
                problems.add(says(outbox));
            }
        }
        if (!problems.isEmpty()) {
            throw new SchemaException("No table was created: " + String.join("; ", problems), problems);
        }
    }

    /**
     * Whether the default table until 1.0 exists, has this outbox's layout, and is the table of none of the outboxes.
     */
    static boolean holds(Connection connection, OutboxDefinition outbox, Collection<OutboxDefinition> all)
            throws SQLException {
        String former = DefinedTables.supplied().formerTable(outbox);
        if (former == null) {
            return false;
        }
        for (OutboxDefinition each : all) {
            if (TableMetadata.isSame(connection, each.table(), former)) {
                return false;
            }
        }
        Set<String> columns = TableMetadata.columns(connection, former);
        return !columns.isEmpty()
                && EventTable.of(outbox).columns().entrySet().stream()
                        .filter(each -> each.getKey() != EventTable.Column.GENERATION) // older ones had none
                        .allMatch(each -> columns.contains(each.getValue().toLowerCase(Locale.ROOT)));
    }

    /** Whether events wait in the default table until 1.0, beside the present one. */
    static boolean holdsPending(Connection connection, Dialect dialect, OutboxDefinition outbox) throws SQLException {
        String former = DefinedTables.supplied().formerTable(outbox);
        return former != null
                && !new RowScan(dialect, outbox.table(former))
                        .scan(connection, -1, Long.MAX_VALUE, 1)
                        .isEmpty();
    }

    static String saysPending(OutboxDefinition outbox) {
        String former = DefinedTables.supplied().formerTable(outbox);
        return "outbox " + outbox.name() + " is in table " + outbox.table() + ", and events wait in table " + former
                + " like it, where it was by default until 1.0: nobody would publish them. Say table(\"" + former
                + "\") until they are published, or move them";
    }

    static String says(OutboxDefinition outbox) {
        return "outbox " + outbox.name() + " is in table "
                + DefinedTables.supplied().formerTable(outbox)
                + ", where outboxes without a table were until 1.0, and no longer in " + outbox.table()
                + ": say table(\""
                + DefinedTables.supplied().formerTable(outbox) + "\"), or rename the table and its indexes";
    }
}
