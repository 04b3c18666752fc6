package dev.posthaste.fuzz;

import dev.posthaste.Catalog;
import dev.posthaste.DuplicateEventException;
import dev.posthaste.Event;
import dev.posthaste.InvalidEventException;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Schema;
import dev.posthaste.broker.Message;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.EventTable.Payload;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.messages.EventIds;
import dev.posthaste.internal.store.Pending;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.servers.Database;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whatever the write check accepts, a table of any layout stores and returns unchanged, and operators, consumers and
 * relays can process it; whatever it refuses, it refuses before any SQL.
 */
final class LayoutsTarget implements Target {
    private final FuzzDatabase database;

    LayoutsTarget(Database kind) throws SQLException {
        database = new FuzzDatabase(kind);
        Schema.create(database.dataSource(), Catalog.empty());
    }

    @Override
    public String name() {
        return "layouts";
    }

    @Override
    public void close() {
        database.close();
    }

    @Override
    public void run(Dice dice) throws SQLException {
        Layouts.Drawn drawn;
        try {
            drawn = Layouts.draw(dice);
        } catch (IllegalArgumentException e) {
            return; // not a layout; the exception says why
        }
        database.forget();
        if (drawn.description() == null) {
            Schema.create(database.dataSource(), Catalog.of(drawn.outbox()));
        } else if (database.isH2()) {
            database.execute(drawn.createTable());
        } else {
            return; // its column types are H2's
        }
        try {
            run(dice, drawn);
        } finally {
            database.execute("drop table \"" + drawn.layout().table() + "\"");
        }
    }

    private void run(Dice dice, Layouts.Drawn drawn) throws SQLException {
        DatabaseSchema.check(database.dataSource(), List.of(drawn.outbox()));
        Event event = event(dice, drawn.outbox());
        if (write(drawn.outbox(), event)) {
            StoredRow stored = read(drawn.outbox(), event);
            sameEvent(drawn.outbox(), event, stored);
            new RowLife(database, drawn.outbox(), dice).run(stored, isSpelledPlainly(drawn.layout(), event.id()));
        }
    }

    private static boolean isSpelledPlainly(EventTable layout, String id) {
        return layout.has(Column.EVENT_ID)
                || layout.payload() != Payload.ENVELOPE
                || id.chars().noneMatch(each -> each == '"' || each == '\\' || each < ' ' || each == 127);
    }

    private static Event event(Dice dice, OutboxDefinition outbox) {
        EventTable layout = EventTable.of(outbox);
        String id = dice.tried(
                "id", dice.oneIn(5) ? dice.text(64) : dice.good(Math.max(1, layout.length(Column.EVENT_ID))));
        Object payload = payload(dice);
        String key = layout.has(Column.KEY) && !dice.oneIn(4)
                ? dice.tried(
                        "key",
                        dice.oneIn(3) ? dice.text(layout.length(Column.KEY)) : dice.good(layout.length(Column.KEY)))
                : null;
        Event event = Event.of(outbox.types().iterator().next(), key, payload).id(id);
        if ((layout.has(Column.VERSION) || layout.payload() == Payload.ENVELOPE) && dice.oneIn(3)) {
            event = event.version(dice.tried("version", dice.text(layout.length(Column.VERSION))));
        }
        if (layout.has(Column.ROUTING_KEY) && dice.oneIn(2)) {
            event = event.routingKey(dice.tried("routing key", dice.text(layout.length(Column.ROUTING_KEY))));
        }
        if (layout.has(Column.DESTINATION) && dice.oneIn(2)) {
            event = event.destination(dice.tried("destination", dice.pick(List.copyOf(outbox.allowedDestinations()))));
        }
        if (layout.has(Column.HEADERS)) {
            event = event.headers(Formats.headers(dice));
        }
        if (layout.has(Column.MAX_ATTEMPTS) && dice.oneIn(4)) {
            event = event.attempts(dice.pick(1, 5, Integer.MAX_VALUE));
        }
        if (dice.oneIn(4)) {
            event = event.delay(dice.pick(Duration.ofHours(1), Duration.ofDays(36_525), Duration.ofNanos(1)));
        }
        return event;
    }

    private static Object payload(Dice dice) {
        return switch (dice.below(5)) {
            case 0 -> dice.tried("payload", dice.text(300));
            case 1 -> dice.tried("payload", dice.mutated(Dice.utf8(dice.json(2))));
            case 2 -> Map.of("a", dice.tried("payload", dice.text(30)), "b", List.of(1, 2));
            default -> dice.tried("payload", dice.json(3));
        };
    }

    /** @return whether it was accepted */
    private boolean write(OutboxDefinition outbox, Event event) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            JdbcOutbox.of(Catalog.of(outbox)).write(connection, event);
            connection.commit();
            return true;
        } catch (InvalidEventException | DuplicateEventException e) {
            return false;
        }
    }

    private StoredRow read(OutboxDefinition outbox, Event event) {
        RowStore store = new RowStore(database.dataSource(), database.dialect(), outbox);
        List<Pending> found = store.fetch(Long.MIN_VALUE, 10, Long.MAX_VALUE);
        FindingException.unlessEqual("the number of events", 1, found.size());
        Pending pending = found.get(0);
        FindingException.unlessEqual("the key", keyOf(event, EventTable.of(outbox)), pending.key());
        boolean delayed = event.delay().compareTo(Duration.ofMinutes(1)) > 0;
        FindingException.unlessEqual("whether it waits", delayed, pending.waitNanos() > 0);
        List<PendingEvent> loaded = store.load(List.of(pending.id()), Long.MAX_VALUE);
        FindingException.unlessEqual("the number of loaded events", 1, loaded.size());
        PendingEvent whole = loaded.get(0);
        FindingException.unlessEqual("the event's own limit", event.attempts(), whole.maxAttempts());
        FindingException.unlessEqual("the attempts", 0, whole.attempts());
        if (pending instanceof PendingEvent fetched) {
            FindingException.unlessEqual(
                    "what was fetched",
                    EnvelopeTarget.text(whole.event().payload()),
                    EnvelopeTarget.text(fetched.event().payload()));
        }
        return whole.event();
    }

    private static @Nullable String keyOf(Event event, EventTable layout) {
        return layout.has(Column.KEY) ? EnvelopeTarget.noneIfEmpty(event.key()) : null;
    }

    private static void sameEvent(OutboxDefinition outbox, Event event, StoredRow stored) {
        EventTable layout = EventTable.of(outbox);
        boolean envelope = layout.payload() == Payload.ENVELOPE;
        FindingException.unlessEqual("the defect", null, stored.defect());
        FindingException.unlessEqual(
                "the id",
                layout.has(Column.EVENT_ID) || envelope
                        ? event.id()
                        : EventIds.ofPosition(outbox.name(), stored.position()),
                stored.eventId());
        FindingException.unlessEqual("the type", event.type(), stored.type());
        if (envelope && !layout.has(Column.VERSION) && event.version().isEmpty()) {
            FindingException.unlessEqual("the version", "v1", stored.version());
        } else {
            FindingException.unlessEqual("the version", event.version(), stored.version());
        }
        FindingException.unlessEqual("the key", keyOf(event, layout), stored.key());
        FindingException.unlessEqual("the payload", stripped(layout, bytes(event)), stripped(layout, stored.payload()));
        Message message = MessageFormat.RAW.write(stored, outbox);
        FindingException.unlessEqual(
                "where to",
                event.destination() == null ? outbox.route().destination() : event.destination(),
                message.destination());
        String routingKey = EnvelopeTarget.noneIfEmpty(event.routingKey());
        FindingException.unlessEqual(
                "the routing key", routingKey == null ? outbox.route().routingKey() : routingKey, message.routingKey());
        event.headers().forEach((name, value) -> {
            if (!Formats.NAMES_OF_OTHERS.contains(name)) {
                FindingException.unlessEqual(
                        "header " + name, value, message.headers().get(name));
            }
        });
    }

    private static byte[] bytes(Event event) {
        Object payload = event.payload();
        if (payload instanceof byte[] bytes) {
            return bytes;
        }
        return payload instanceof CharSequence text
                ? text.toString().getBytes(StandardCharsets.UTF_8)
                : tools.jackson.databind.json.JsonMapper.shared().writeValueAsBytes(payload);
    }

    /** An envelope keeps a JSON value, not the white space around it. */
    private static String stripped(EventTable layout, byte[] payload) {
        if (layout.payload() != Payload.ENVELOPE) {
            return new String(payload, StandardCharsets.ISO_8859_1);
        }
        String text = EnvelopeTarget.text(payload);
        return (text.startsWith("\ufeff") ? text.substring(1) : text).strip();
    }
}
