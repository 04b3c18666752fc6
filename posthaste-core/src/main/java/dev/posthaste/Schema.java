package dev.posthaste;

import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.DatabaseSchema.Findings;
import dev.posthaste.internal.jdbc.Dialect;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates and checks tables: those of outboxes, and Posthaste's own. The scripts are in the jar too, under
 * {@code dev/posthaste/schema/DATABASE/}: {@code outbox.sql} for one outbox, written for the name {@code posthaste_outbox},
 * {@code debezium.sql} likewise, {@code leases.sql} for relays and operators, and {@code inbox.sql} for inboxes.
 *
 * <p>Thread-safe. If two processes or threads create the same tables at the same time, one of them may fail with {@link
 * StoreException}; it succeeds when repeated.
 */
public final class Schema {
    private static final Logger log = LoggerFactory.getLogger(Schema.class);

    private Schema() {}

    /**
     * Creates what does not exist yet: the tables of the catalog's outboxes, and Posthaste's own; and adds the columns of later
     * versions. A table that belongs to other programs is left as it is.
     *
     * @throws SchemaException if an outbox without a {@link OutboxDefinition#table(String)} has its events in the table
     *     {@code NAME}, which was the default until 1.0: an empty table beside it would hide them. Nothing is created
     *     then
     * @throws StoreException if the database failed
     */
    public static void create(DataSource dataSource, Catalog catalog) {
        try {
            DatabaseSchema.create(dataSource, catalog.outboxes());
        } catch (SQLException e) {
            throw new StoreException("Cannot create the tables: " + e.getMessage(), e);
        }
    }

    /**
     * Creates the tables {@code posthaste_lease}, {@code posthaste_relay} and {@code posthaste_audit} in another schema (on
     * MySQL and MariaDB: another database of the same server), for relays that may not create tables beside the
     * outboxes. The schema must exist.
     *
     * @throws StoreException if the database failed
     */
    public static void createLeases(DataSource dataSource, String schema) {
        try {
            DatabaseSchema.createLeases(dataSource, schema);
        } catch (SQLException e) {
            throw new StoreException("Cannot create the lease tables: " + e.getMessage(), e);
        }
    }

    /**
     * Checks everything that {@link #create} creates, and the settings of the server and the tables that a promise
     * depends on. What endangers a promise without breaking it goes to the log as a warning; what this user has no
     * right to see is not reported. Relays check what they need when they start.
     *
     * @throws SchemaException with everything that is missing or wrong
     * @throws StoreException if the database failed
     */
    public static void validate(DataSource dataSource, Catalog catalog) {
        List<String> problems = new ArrayList<>();
        try {
            for (Findings findings : List.of(
                    DatabaseSchema.check(dataSource, catalog.outboxes()), DatabaseSchema.checkInbox(dataSource))) {
                findings.warnings().forEach(warning -> log.warn("{}", warning));
                problems.addAll(findings.errors());
            }
        } catch (SQLException e) {
            throw new StoreException("Cannot check the tables: " + e.getMessage(), e);
        }
        if (!problems.isEmpty()) {
            throw new SchemaException(
                    "The database is not ready for Posthaste: " + String.join("; ", problems), problems);
        }
    }

    /**
     * What {@link #create} does, as text, for running it by hand or with a migration tool.
     *
     * @param database {@code postgresql}, {@code mysql}, {@code mariadb}, {@code sqlite} or {@code h2}
     * @throws IllegalArgumentException if it is none of these
     */
    public static String script(String database, Catalog catalog) {
        return new DatabaseSchema(Dialect.named(database)).script(catalog.outboxes());
    }
}
