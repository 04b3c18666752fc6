package dev.posthaste.benchmarks;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.RowReads;
import dev.posthaste.internal.jdbc.RowVerdicts;
import dev.posthaste.servers.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * An outbox that has been in use for a long time, to which backlogs are added one after another: payloads of 300 bytes,
 * 1,000 keys. Its statistics are those of a table in which everything is published, as in production when a backlog
 * builds up.
 */
final class Backlog {
    static final String OUTBOX = "bench";
    static final String TYPE = "bench.event";
    static final int STEP = 100_000;
    private static final int KEYS = 1_000;
    private static final String PAYLOAD = "{\"text\":\"" + "x".repeat(289) + "\"}";

    final TestDatabase database;
    final Catalog catalog;
    final Dialect dialect;
    final RowReads reads;
    final RowVerdicts verdicts;
    private int steps = 1_000;

    Backlog(TestDatabase database, Route route) throws SQLException {
        this.database = database;
        this.catalog = Catalog.of(
                OutboxDefinition.named(OUTBOX).table(OUTBOX).route(route).types(TYPE));
        try (Connection connection = database.dataSource().getConnection()) {
            this.dialect = Dialect.of(connection);
        }
        this.reads = new RowReads(dialect, catalog.outbox(OUTBOX));
        this.verdicts = new RowVerdicts(dialect, catalog.outbox(OUTBOX));
        Schema.create(database.dataSource(), catalog);
        writeTemplate();
    }

    /** Writes one step of events as an application does, and keeps them as a template. */
    private void writeTemplate() throws SQLException {
        JdbcOutbox outbox = JdbcOutbox.of(catalog);
        try (Connection connection = database.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            for (int i = 0; i < STEP; i += 1_000) {
                List<Event> events = new ArrayList<>();
                for (int j = i; j < i + 1_000; j++) {
                    events.add(Event.of(TYPE, "key-" + j % KEYS, PAYLOAD));
                }
                outbox.write(connection, events);
                connection.commit();
            }
        }
        database.execute("create table template as select * from " + OUTBOX);
        database.execute((dialect == Dialect.SQLITE ? "delete from " : "truncate table ") + OUTBOX);
    }

    /** Adds {@code events} that were published long ago, a multiple of {@link #STEP}. */
    void fillPublished(int events) {
        insert(events, "published");
        tidyUp();
    }

    /** Adds a backlog of {@code events}, a multiple of {@link #STEP}. The database's statistics do not reflect it. */
    void fill(int events) {
        insert(events, "pending");
        if (dialect == Dialect.POSTGRESQL) {
            database.execute("checkpoint");
        }
    }

    private void insert(int events, String status) {
        for (int i = 0; i < events; i += STEP) {
            database.execute("insert into " + OUTBOX + " (event_id, event_type, event_version, event_key, payload,"
                    + " status, attempts, created_at, updated_at) select concat('" + steps++ + "-', event_id),"
                    + " event_type, event_version, event_key, payload, '" + status
                    + "', 0, created_at, updated_at from template order by id");
        }
    }

    /** Does what the database would do by itself sooner or later. */
    void tidyUp() {
        if (dialect == Dialect.POSTGRESQL) {
            database.execute("vacuum analyze " + OUTBOX);
            database.execute("checkpoint");
        } else if (dialect == Dialect.SQLITE) {
            database.execute("analyze " + OUTBOX);
        } else {
            database.execute("analyze table " + OUTBOX);
        }
    }
}
