package dev.posthaste.reliability.torture;

import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The campaign's own events, with a history like a writer's. */
final class Probe {
    /** The error of a row that was dead from the start. */
    static final String DEATH = "put to death by the campaign";

    private static final String PUT_TO_DEATH = "dead-";

    private Probe() {}

    /** Commits one transaction; its events' ids are its name with {@code -0}, {@code -1} and so on. */
    static void write(Testbed stage, String transaction, int events, Duration atMost) throws Exception {
        write(stage, transaction, events, null, atMost);
    }

    /**
     * The same with events that are dead from the start, so that no relay ever reads them.
     *
     * @return the transaction's name, which marks it as such
     */
    static String writeDead(Testbed stage, String name, int events, Duration atMost) throws Exception {
        String transaction = PUT_TO_DEATH + name;
        // By single ids: a range would wait for rows written by a transaction that was left open.
        String ids = IntStream.range(0, events)
                .mapToObj(i -> "'" + transaction + "-" + i + "'")
                .collect(Collectors.joining(", "));
        String kill = "update orders set status = 'dead', last_error = '" + DEATH + "' where event_id in (" + ids + ")";
        write(stage, transaction, events, kill, atMost);
        return transaction;
    }

    /** The number of events that the campaign itself wrote as dead. */
    static long putToDeath(Map<String, Integer> transactions) {
        return transactions.entrySet().stream()
                .filter(each -> each.getKey().startsWith(PUT_TO_DEATH))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    private static void write(Testbed stage, String transaction, int events, @Nullable String also, Duration atMost)
            throws Exception {
        try (History history = History.open(stage.setup.home().resolve("probe.history"))) {
            history.attempted(transaction, events);
            write(
                    stage,
                    transaction,
                    events(stage.setup.table(), transaction, events),
                    also,
                    System.nanoTime() + atMost.toNanos());
            history.ended(transaction, WriterProcess.Fate.COMMITTED);
        }
    }

    private static void write(Testbed stage, String transaction, List<Event> events, @Nullable String also, long until)
            throws Exception {
        while (true) {
            try (Connection connection = stage.connect()) {
                connection.setAutoCommit(false);
                stage.setup.table().claim(connection, transaction);
                JdbcOutbox.of(stage.setup.catalog()).write(connection, events);
                if (also != null) {
                    try (Statement statement = connection.createStatement()) {
                        statement.executeUpdate(also);
                    }
                }
                connection.commit();
                return;
            } catch (dev.posthaste.DuplicateEventException e) {
                return; // an earlier attempt was committed without learning of it
            } catch (SQLException e) {
                if (System.nanoTime() > until) {
                    throw new SQLException("Cannot write " + transaction, e);
                }
                Thread.sleep(50); // the database is just restarting
            }
        }
    }

    private static List<Event> events(OutboxTable table, String transaction, int number) {
        List<Event> events = new ArrayList<>();
        long first = System.nanoTime();
        for (int i = 0; i < number; i++) {
            // Not an aggregate's key: the hottest of those may have a backlog.
            events.add(Content.plain(table, transaction + "-" + i, Setup.KEYS + 1, "probe", first + i));
        }
        return events;
    }
}
