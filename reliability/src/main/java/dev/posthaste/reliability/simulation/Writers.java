package dev.posthaste.reliability.simulation;

import dev.posthaste.Catalog;
import dev.posthaste.DuplicateEventException;
import dev.posthaste.Event;
import dev.posthaste.Outbox;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Applications: transactions that take their time between an event's write and its commit, roll back, lose their
 * connection, and write the same event again when they do not know what became of it. Two transactions never write the
 * same key: its aggregate's row is locked.
 */
final class Writers {
    static final String TYPE = "order.placed";
    private static final long LONGEST_TRANSACTION = 60_000_000L;

    private final Schedule schedule;
    private final Random random;
    private final Truth truth;
    private final Outbox outbox;
    private final Supplier<Node> node;
    private final Function<Node, DataSource> dataSource;
    private final int keys;
    private final long gap;
    private final Node clients = new Node(Node.Role.OPERATOR, "clients", 0);
    private final Map<String, Node> locked = new HashMap<>();
    private int left;
    private int sequence;

    /**
     * @param node whose transactions these are, now
     * @param keys how many keys there are
     * @param events how many events are written in all
     * @param gap the nanoseconds between two beginnings, at most
     */
    Writers(
            Schedule schedule,
            Random random,
            Truth truth,
            Catalog catalog,
            Supplier<Node> node,
            Function<Node, DataSource> dataSource,
            int keys,
            int events,
            long gap) {
        this.schedule = schedule;
        this.random = random;
        this.truth = truth;
        this.outbox = new Outbox(catalog);
        this.node = node;
        this.dataSource = dataSource;
        this.keys = keys;
        this.left = events;
        this.gap = gap;
    }

    boolean done() {
        return left <= 0 && locked.values().stream().allMatch(Node::dead);
    }

    void start() {
        schedule.in(random.nextLong(gap), clients, clients, this::begin);
    }

    private void begin() {
        if (left <= 0) {
            return;
        }
        start(); // first: whoever writes may die of it
        Node now = node.get();
        String key = random.nextInt(12) == 0 ? null : "key-" + random.nextInt(keys);
        Node holder = key == null ? null : locked.get(key);
        if (holder == null || holder.dead()) {
            if (key != null) {
                locked.put(key, now);
            }
            List<Event> events = new ArrayList<>();
            for (int number = 1 + random.nextInt(3); number > 0; number--) {
                events.add(event(key));
            }
            left -= events.size();
            write(now, key, events, true);
        }
    }

    private Event event(@Nullable String key) {
        String id = "e-" + ++sequence;
        truth.attempted(id, "payload of " + id);
        long delay = random.nextInt(15) == 0 ? random.nextLong(300_000_000L) : 0;
        return Event.builder(TYPE)
                .id(id)
                .key(key)
                .payload("payload of " + id)
                .delay(Duration.ofNanos(delay))
                .build();
    }

    private void write(Node now, @Nullable String key, List<Event> events, boolean first) {
        Connection connection = null;
        try {
            connection = dataSource.apply(now).getConnection();
            connection.setAutoCommit(false);
            outbox.write(connection, events);
            Connection open = connection;
            if (random.nextInt(4) == 0) {
                schedule.in(random.nextLong(LONGEST_TRANSACTION), now, new Object(), () -> end(now, open, key, events));
            } else {
                end(now, open, key, events);
            }
        } catch (DuplicateEventException e) {
            if (first) {
                throw new IllegalStateException("ids are given once", e);
            }
            close(connection);
            locked.remove(key); // it was committed after all
        } catch (SQLException e) {
            failed(now, connection, key, events, e);
        }
    }

    private void end(Node now, Connection connection, @Nullable String key, List<Event> events) {
        try {
            if (random.nextInt(6) == 0) {
                connection.rollback();
            } else {
                connection.commit();
            }
            connection.close();
            locked.remove(key);
        } catch (SQLException e) {
            failed(now, connection, key, events, e);
        }
    }

    /** Whatever became of it: the same events again, with the same ids. */
    private void failed(
            Node now, @Nullable Connection connection, @Nullable String key, List<Event> events, SQLException e) {
        if (!Nemesis.isTheCauseOf(e)) {
            truth.applicationFailed(e);
        }
        close(connection);
        schedule.in(random.nextLong(50_000_000L), now, new Object(), () -> write(now, key, events, false));
    }

    private static void close(@Nullable Connection connection) {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (SQLException e) {
            // it is gone
        }
    }
}
