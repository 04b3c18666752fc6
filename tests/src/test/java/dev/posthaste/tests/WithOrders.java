package dev.posthaste.tests;

import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Schema;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;

/** A database with the outbox of {@link RelayProcess}. */
abstract class WithOrders {
    static final String TYPE = RelayProcess.TYPE;
    final JdbcOutbox outbox = JdbcOutbox.of(RelayProcess.CATALOG);

    static TestDatabase open(Database kind) throws SQLException {
        TestDatabase database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), RelayProcess.CATALOG);
        return database;
    }

    static RowStore store(TestDatabase database) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            return new RowStore(database.dataSource(), Dialect.of(connection), RelayProcess.CATALOG.outbox("orders"));
        }
    }

    final void write(Connection connection, Event event) throws SQLException {
        connection.setAutoCommit(false);
        outbox.write(connection, event);
        connection.commit();
    }

    final void write(TestDatabase database, Event event) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            write(connection, event);
        }
    }
}
