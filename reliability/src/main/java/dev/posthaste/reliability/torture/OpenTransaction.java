package dev.posthaste.reliability.torture;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/** Another program's transaction, which takes some locks and does nothing more. */
final class OpenTransaction {
    private static final int SECONDS = 10;

    private final Testbed stage;
    private final Connection connection;

    private OpenTransaction(Testbed stage, Connection connection) {
        this.stage = stage;
        this.connection = connection;
    }

    /** @throws SQLException if the database does not grant the locks within {@value #SECONDS} seconds */
    static OpenTransaction begin(Testbed stage, String... statements) throws SQLException {
        OpenTransaction begun = new OpenTransaction(stage, stage.connect());
        try (Statement statement = begun.connection.createStatement()) {
            statement.setQueryTimeout(SECONDS);
            if (stage.setup.isSqlite()) {
                statement.execute("begin immediate"); // the driver's own begin would wait for a statement that writes
            } else {
                // At REPEATABLE READ InnoDB would lock the gap at the table's end too, and with it every writer.
                begun.connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
                begun.connection.setAutoCommit(false);
            }
            for (String sql : statements) {
                statement.execute(sql);
            }
            return begun;
        } catch (SQLException e) {
            begun.end();
            throw e;
        }
    }

    /** Rolls it back. If its connection was lost, the server has done so. */
    void end() {
        try (connection) {
            if (stage.setup.isSqlite()) {
                try (Statement statement = connection.createStatement()) {
                    statement.execute("rollback");
                }
            } else {
                connection.rollback();
            }
        } catch (SQLException e) {
            // it is over either way
        }
    }
}
