package dev.posthaste.reliability.simulation;

import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One transaction that writes an event and stays open while more than ten thousand others commit theirs. Then it
 * commits, and its key continues.
 */
final class Crowd {
    static final String KEY = "outlasting";
    private static final int OTHERS = 10_300;
    private static final int AT_ONCE = 100;
    private static final int KEYS = 300;
    private static final long BEGINS = 300_000_000L;
    private static final long PAUSE = 40_000_000L;

    private final Surroundings around;
    private final JdbcOutbox outbox;
    /** No faults happen to it. */
    private final Node node = new Node(Node.Role.OPERATOR, "crowd", 0);

    private int left = OTHERS;
    private int sequence;
    private boolean done;

    Crowd(Surroundings around) {
        this.around = around;
        this.outbox = JdbcOutbox.of(around.configuration.catalog());
    }

    /** Whether all of its transactions have committed. */
    boolean done() {
        return done;
    }

    void start() {
        around.schedule.in(around.random.nextLong(BEGINS), node, node, () -> {
            try {
                Connection open = around.dataSource(node).getConnection();
                open.setAutoCommit(false);
                outbox.write(open, List.of(event(KEY)));
                come(open);
            } catch (SQLException e) {
                around.truth.applicationFailed(e);
            }
        });
    }

    private void come(Connection open) {
        around.schedule.in(around.random.nextLong(PAUSE), node, node, () -> {
            try {
                boolean more = left > 0;
                for (int i = 0; i < AT_ONCE && left > 0; i++, left--) {
                    write(around.random.nextInt(4) == 0 ? null : "one of many " + around.random.nextInt(KEYS));
                }
                boolean waits = around.truth.arrivals() < OTHERS && !around.calm();
                if (more || waits) {
                    come(open);
                    return;
                }
                open.commit();
                open.close();
                write(KEY);
                done = true;
            } catch (SQLException e) {
                around.truth.applicationFailed(e);
            }
        });
    }

    private void write(@Nullable String key) throws SQLException {
        try (Connection connection = around.dataSource(node).getConnection()) {
            connection.setAutoCommit(false);
            outbox.write(connection, List.of(event(key)));
            connection.commit();
        }
    }

    private Event event(@Nullable String key) {
        String id = "c-" + ++sequence;
        around.truth.attempted(id, "payload of " + id);
        return Event.of(Writers.TYPE, key, "payload of " + id)
                .id(id)
                .headers(Writers.headers(id, around.configuration));
    }
}
