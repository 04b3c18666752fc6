package dev.posthaste.reliability.torture;

import dev.posthaste.Event;
import dev.posthaste.Outbox;
import java.sql.Connection;
import java.sql.SQLException;

/** An event of the campaign's own, with a history like a writer's. */
final class Probe {
    private Probe() {}

    /** @return its transaction; its one event is number 0 */
    static String write(Stage stage, String transaction, long until) throws Exception {
        try (History history = History.open(stage.setup.home().resolve("probe.history"))) {
            return write(stage, transaction, until, history);
        }
    }

    private static String write(Stage stage, String transaction, long until, History history) throws Exception {
        history.attempted(transaction, 1);
        // Not one of the aggregates' keys: the hottest of those may have a backlog.
        String text = (Setup.KEYS + 1) + "|" + System.nanoTime() + "|" + transaction + "-0|probe";
        while (true) {
            try (Connection connection = stage.connect()) {
                connection.setAutoCommit(false);
                new Outbox(stage.setup.catalog())
                        .write(
                                connection,
                                Event.builder(Setup.TYPE)
                                        .id(transaction + "-0")
                                        .key("probe")
                                        .payload(text + "|" + WriterProcess.checksum(text))
                                        .build());
                connection.commit();
                history.ended(transaction, WriterProcess.Fate.COMMITTED);
                return transaction;
            } catch (dev.posthaste.DuplicateEventException e) {
                history.ended(transaction, WriterProcess.Fate.COMMITTED);
                return transaction;
            } catch (SQLException e) {
                if (System.nanoTime() > until) {
                    throw e;
                }
                Thread.sleep(50); // the database is just coming back
            }
        }
    }
}
