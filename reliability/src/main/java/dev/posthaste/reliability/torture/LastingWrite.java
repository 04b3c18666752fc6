package dev.posthaste.reliability.torture;

import dev.posthaste.JdbcOutbox;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;

/**
 * A transaction that has written an event and is left open: it has drawn an id, and the relay must neither wait for it
 * nor forget it.
 */
final class LastingWrite {
    private final Connection connection;
    private final History history;
    private final String transaction;

    private LastingWrite(Connection connection, History history, String transaction) {
        this.connection = connection;
        this.history = history;
        this.transaction = transaction;
    }

    /** @param number unique; also the event's key, because its order among other events is not known */
    static LastingWrite begin(Testbed stage, int number) throws IOException, SQLException {
        String transaction = "lasting-" + number;
        History history = History.open(stage.setup.home().resolve("lasting.history"));
        history.attempted(transaction, 1);
        Connection connection = stage.connect();
        connection.setAutoCommit(false);
        JdbcOutbox.of(stage.setup.catalog())
                .write(
                        connection,
                        Content.plain(
                                stage.setup.table(), transaction + "-0", Setup.KEYS + 1 + number, transaction, 1));
        return new LastingWrite(connection, history, transaction);
    }

    /** Its outcome stays unknown if the connection was lost before the answer. */
    void end(boolean commit) throws IOException {
        try (connection;
                history) {
            if (commit) {
                connection.commit();
                history.ended(transaction, WriterProcess.Fate.COMMITTED);
            } else {
                connection.rollback();
                history.ended(transaction, WriterProcess.Fate.ROLLED_BACK);
            }
        } catch (SQLException e) {
            // like any transaction whose database was restarted meanwhile
        }
    }
}
