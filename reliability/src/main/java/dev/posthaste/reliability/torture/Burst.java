package dev.posthaste.reliability.torture;

import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;

/**
 * A transaction of many events.
 *
 * @param name the beginning of its events' ids and keys
 * @param firstKey above those of all lasting transactions and other bursts
 * @param keys the number of its events' keys
 */
record Burst(String name, int firstKey, int events, int keys, int characters) {
    /** More than a relay with a small heap may have in memory. */
    static final Burst LARGE = new Burst("large", Setup.KEYS + 100_000, 60, 4, 500_000);

    /** Enough for a broker to have unconfirmed messages when a fault happens to it. */
    static final Burst MANY = new Burst("many", Setup.KEYS + 1_000_000, 3_000, 1_000, 10);

    private static final int CHARACTERS_AT_ONCE = 1_000_000;

    /** @param number unique among bursts of this kind */
    void write(Testbed stage, int number) throws Exception {
        String transaction = name + "-" + number;
        try (History history = History.open(stage.setup.home().resolve(name + ".history"))) {
            history.attempted(transaction, events);
            try (Connection connection = stage.connect()) {
                connection.setAutoCommit(false);
                JdbcOutbox outbox = JdbcOutbox.of(stage.setup.catalog());
                List<Event> written = new ArrayList<>();
                for (int i = 0; i < events; i++) {
                    written.add(
                            event(stage.setup.table(), transaction + "-" + i, firstKey + keys * number + i % keys, i));
                    if (written.size() * characters >= CHARACTERS_AT_ONCE || i == events - 1) {
                        outbox.write(connection, written);
                        written.clear();
                    }
                }
                connection.commit();
            }
            history.ended(transaction, WriterProcess.Fate.COMMITTED);
        }
    }

    private Event event(OutboxTable table, String id, int key, int version) {
        return Content.plain(table, id, key, name + "-" + key, version, "x".repeat(characters));
    }
}
