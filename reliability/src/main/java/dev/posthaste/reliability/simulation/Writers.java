package dev.posthaste.reliability.simulation;

import dev.posthaste.DuplicateEventException;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Applications: transactions that take time between an event's write and its commit, roll back, lose their connection,
 * and write the same event again if they do not know whether it was committed. Two transactions never write the same
 * key at once: its aggregate's row is locked.
 */
final class Writers {
    static final String TYPE = "order.placed";
    private static final long MAX_TRANSACTION_NANOS = 60_000_000L;
    static final int MAX_PAYLOAD = 40_000;
    private static final String NOTE = "note";
    private static final int ID_ENDS_AFTER = 40;

    private static final List<String> HOSTILE_TEXTS = List.of(
            "K",
            "k",
            "K ",
            "\u212A",
            "\uD83D\uDE00",
            "'; drop table orders; --",
            "\"",
            "\\",
            "\u00df".repeat(127),
            "null",
            "%s",
            "0");
    private static final long VERY_LONG_TRANSACTION = 4_000_000_000L;
    /**
     * The length of one break without writes: events published by then may be gone from the table when writes resume.
     */
    private static final long LULL = 3_000_000_000L;
    /** The longest that an application may have to wait for a lock of Posthaste's. */
    private static final long MAX_WAIT_NANOS = 2_000_000_000L;
    /** The same if an operator may have deleted a row that a paused consumer is about to mark. */
    private static final long MAX_SILENCE_NANOS = 6_500_000_000L;

    private final Schedule schedule;
    private final Random random;
    private final World world;
    private final Oracle truth;
    private final JdbcOutbox outbox;
    private final OutboxTable table;
    private final boolean existing;
    private final ExistingTable theirs;
    private final Surroundings around;
    private final int keys;
    /** How many of twelve transactions write events without a key. */
    private final int keyless;
    /** The most nanoseconds between the starts of two transactions. */
    private final long gap;

    private final Node clients = new Node(Node.Role.OPERATOR, "clients", 0);
    private final Map<String, Node> locked = new HashMap<>();
    /** When the first event of a transaction began to wait for a lock. */
    private final Map<String, Long> waiting = new HashMap<>();

    private Node node = new Node(Node.Role.WRITER, "writer", 0);
    private boolean lulled;
    private int left;
    /** Whether no more transactions begin, because all events are written. */
    private boolean idle;

    private int sequence;

    Writers(Surroundings around) {
        this.around = around;
        this.schedule = around.schedule;
        this.random = around.random;
        this.world = around.world;
        this.truth = around.truth;
        this.outbox = JdbcOutbox.of(around.configuration.catalog());
        this.table = around.configuration.table();
        this.existing = world.has(World.Trait.EXISTING_TABLE);
        this.theirs = new ExistingTable(table, random);
        this.keyless = world.secondFailsAlone() ? 9 : 1;
        this.keys = 1 + random.nextInt(random.nextBoolean() ? 2 : 12);
        this.left = 20 + random.nextInt(60);
        this.gap = 20_000_000L + random.nextInt(60_000_000);
        if (world.secondFailsAlone()) {
            left *= 3;
        }
    }

    /** The process that runs the transactions from now on. */
    Node restart(String place) {
        node = new Node(Node.Role.WRITER, place, 0);
        return node;
    }

    boolean done() {
        return left <= 0 && locked.values().stream().allMatch(Node::dead);
    }

    void start() {
        boolean lull = world.has(World.Trait.INNODB) && !lulled && random.nextInt(10) == 0;
        lulled |= lull;
        schedule.in(lull ? LULL : random.nextLong(gap), clients, clients, this::begin);
    }

    private void begin() {
        if (left <= 0) {
            idle = true;
            return;
        }
        start(); // first, because the writer may die while writing
        Node now = node;
        String key = random.nextInt(12) < keyless || !table.has(Column.KEY) ? null : key(random.nextInt(keys));
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

    private String key(int number) {
        return world.has(World.Trait.HOSTILE_TEXTS) ? hostile(number) : "key-" + number;
    }

    private static String hostile(int number) {
        return HOSTILE_TEXTS.get(number % HOSTILE_TEXTS.size());
    }

    private String id(int number) {
        String end = world.has(World.Trait.HOSTILE_TEXTS) ? hostile(number / 7) : "";
        return ("e-" + number + end.substring(0, Math.min(end.length(), ID_ENDS_AFTER))).strip();
    }

    /** The headers of an event, which its handler must receive. */
    static Map<String, String> headers(String id, Configuration configuration) {
        return configuration.writesHeaders() ? Map.of(NOTE, hostile(Math.floorMod(id.hashCode(), 1_000))) : Map.of();
    }

    private String payload(String id) {
        return table.layout().payload() == EventTable.Payload.ENVELOPE ? '"' + text(id) + '"' : text(id);
    }

    private String text(String id) {
        if (!world.has(World.Trait.LARGE_PAYLOADS)) {
            return "payload of " + id;
        }
        return switch (random.nextInt(4)) {
            case 0 -> "";
            case 1 -> "\u00fc".repeat(random.nextInt(MAX_PAYLOAD / 2));
            default -> "x".repeat(random.nextInt(MAX_PAYLOAD));
        };
    }

    /**
     * If only the second destination fails, a key has one destination: events behind one that waits have to wait too.
     */
    private boolean goesToSecond(@Nullable String key) {
        if (!world.has(World.Trait.SECOND_DESTINATION) || !table.has(Column.DESTINATION)) {
            return false;
        }
        return world.secondFailsAlone() && key != null ? (key.hashCode() & 1) == 0 : random.nextBoolean();
    }

    private Event event(@Nullable String key) {
        String id = id(++sequence);
        String payload = payload(id);
        truth.attempted(id, payload);
        if (world.has(World.Trait.REMINDERS) && table.has(Column.KEY) && random.nextBoolean()) {
            return event(id, "reminder " + sequence, payload, Duration.ofHours(1));
        }
        long delay = random.nextInt(15) == 0 ? random.nextLong(300_000_000L) : 0;
        return event(id, key, payload, Duration.ofNanos(delay));
    }

    private Event event(String id, @Nullable String key, String payload, Duration delay) {
        Event event = Event.of(TYPE, key, payload).id(id).delay(delay).headers(headers(id, around.configuration));
        if (goesToSecond(key)) {
            event = event.destination(SimulatedBroker.SECOND_TOPIC);
        }
        return event;
    }

    private void write(Node now, @Nullable String key, List<Event> events, boolean first) {
        Connection connection = null;
        try {
            connection = around.dataSource(now).getConnection();
            connection.setAutoCommit(false);
            if (existing && (!table.has(Column.EVENT_ID) || random.nextBoolean())) {
                theirs.insert(connection, events);
            } else {
                outbox.write(connection, events);
            }
            Connection open = connection;
            if (world.has(World.Trait.LONG_TRANSACTIONS) && random.nextInt(12) == 0) {
                schedule.in(
                        random.nextLong(VERY_LONG_TRANSACTION), now, new Object(), () -> end(now, open, key, events));
            } else if (random.nextInt(4) == 0) {
                schedule.in(
                        random.nextLong(MAX_TRANSACTION_NANOS), now, new Object(), () -> end(now, open, key, events));
            } else {
                end(now, open, key, events);
            }
        } catch (DuplicateEventException e) {
            there(connection, key, first, e);
        } catch (SQLException e) {
            if (existing && "23505".equals(e.getSQLState())) {
                there(connection, key, first, e);
                return;
            }
            failed(now, connection, key, events, e);
        }
    }

    private void there(@Nullable Connection connection, @Nullable String key, boolean first, Exception e) {
        if (first) {
            throw new IllegalStateException("each id is used only once", e);
        }
        close(connection);
        locked.remove(key); // it had been committed after all
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

    /** Writes the same events again with the same ids, whether or not they were committed. */
    private void failed(
            Node now, @Nullable Connection connection, @Nullable String key, List<Event> events, SQLException e) {
        if (Database.isLockWait(e)) {
            waits(events.get(0).id(), e);
        } else if (!Nemesis.isTheCauseOf(e)) {
            truth.applicationFailed(e);
        }
        close(connection);
        if (!table.has(Column.EVENT_ID)) {
            left += events.size(); // without ids the same events might be there twice, so others are written
            locked.remove(key);
            if (idle) {
                idle = false;
                start();
            }
            return;
        }
        schedule.in(random.nextLong(50_000_000L), now, new Object(), () -> write(now, key, events, false));
    }

    /** In the simulation a statement that has to wait fails immediately and is tried again. */
    private void waits(String event, SQLException e) {
        long since = waiting.computeIfAbsent(event, key -> schedule.now());
        schedule.happened("the writer of %s waits: %s", event, e.getMessage());
        boolean rowsGoAnyTime = world.has(World.Trait.OPERATORS) || world.has(World.Trait.REPLAYS);
        if (schedule.now() - since > (rowsGoAnyTime ? MAX_SILENCE_NANOS : MAX_WAIT_NANOS)) {
            truth.applicationFailed(e);
        }
    }

    /** Releases the rows that their program has held back. */
    void release() {
        try (Connection connection = around.dataSource(clients).getConnection()) {
            theirs.release(connection);
        } catch (SQLException e) {
            // tried again later
        }
    }

    /** The payload as text. */
    static String payload(Event event) {
        return String.valueOf(event.payload());
    }

    private static void close(@Nullable Connection connection) {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (SQLException e) {
            // the connection is gone
        }
    }
}
