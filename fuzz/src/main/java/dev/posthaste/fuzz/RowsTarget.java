package dev.posthaste.fuzz;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.TableLayout;
import dev.posthaste.broker.Message;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.messages.EventIds;
import dev.posthaste.internal.store.Pending;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.servers.Database;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Rows that other programs wrote without the check, in Debezium's table, in one of envelopes and in Posthaste's own:
 * each is read, intact or as defective, and is processed like any other.
 */
final class RowsTarget implements Target {
    private static final OutboxDefinition DEBEZIUM = outbox("debezium", TableLayout.debezium(), "outbox.event.orders");
    private static final OutboxDefinition STANDARD = outbox("standard", TableLayout.standard(), "orders");
    private static final OutboxDefinition ENVELOPES = outbox("envelopes", envelopes(), "orders");

    private final FuzzDatabase database;
    private final List<OutboxDefinition> outboxes;

    RowsTarget(Database kind) throws SQLException {
        database = new FuzzDatabase(kind);
        DatabaseSchema.create(database.dataSource(), List.of(DEBEZIUM, STANDARD));
        if (database.isH2()) {
            database.execute(
                    new Layouts.Drawn(ENVELOPES, Map.of()).createTable().replace(" not null", ""));
        }
        outboxes = database.isH2() ? List.of(DEBEZIUM, STANDARD, ENVELOPES) : List.of(DEBEZIUM, STANDARD);
    }

    private static OutboxDefinition outbox(String table, TableLayout layout, String to) {
        return OutboxDefinition.named(table)
                .table(table)
                .layout(layout)
                .route(Route.to(to))
                .types("order.placed")
                .tracked(true);
    }

    private static TableLayout envelopes() {
        return TableLayout.mapped(EventTable.text(Map.ofEntries(
                Map.entry("table", "envelopes"),
                Map.entry("payload", "envelope"),
                Map.entry("column.id", "id"),
                Map.entry("column.type", "event_type"),
                Map.entry("column.key", "event_key"),
                Map.entry("column.payload", "payload"),
                Map.entry("column.headers", "headers"),
                Map.entry("column.status", "status"),
                Map.entry("column.attempts", "attempts"),
                Map.entry("column.next-attempt-at", "next_attempt_at"),
                Map.entry("column.last-error", "last_error"),
                Map.entry("status.pending", "pending"),
                Map.entry("status.published", "published"),
                Map.entry("status.consumed", "consumed"),
                Map.entry("status.dead", "dead"))));
    }

    @Override
    public String name() {
        return "rows";
    }

    @Override
    public void close() {
        database.close();
    }

    @Override
    public void run(Dice dice) throws SQLException {
        OutboxDefinition outbox = dice.tried("outbox", dice.pick(outboxes));
        database.forget();
        database.execute("delete from \"" + outbox.table() + "\"");
        String payload = insert(dice, outbox.name());
        if (payload == null) {
            return; // the database accepts no such row from any writer
        }
        RowStore store = new RowStore(database.dataSource(), database.dialect(), outbox);
        List<Pending> found = store.fetch(Long.MIN_VALUE, 10, Long.MAX_VALUE);
        FindingException.unlessEqual("the number of events", 1, found.size());
        FindingException.unless(found.get(0) instanceof PendingEvent, "a due event is read in full");
        StoredRow event = ((PendingEvent) found.get(0)).event();
        dice.tried("read", event + " " + event.defect());
        if (event.defect() == null) {
            for (MessageFormat format : Formats.ALL.values()) {
                try {
                    Message message = format.write(event, outbox);
                    FindingException.unlessEqual("the id in a message", event.eventId(), message.eventId());
                } catch (IllegalArgumentException e) {
                    FindingException.unless(
                            e.getMessage() != null && !e.getMessage().isBlank(), "a refusal says why");
                }
            }
        }
        new RowLife(database, outbox, dice).run(event, isFoundById(event, outbox, payload));
    }

    /** In Posthaste's own table no id is empty; in one of envelopes, a search matches ids as they are spelled. */
    private static boolean isFoundById(StoredRow event, OutboxDefinition outbox, String payload) {
        boolean isKnownByItsRow = event.eventId().equals(EventIds.ofPosition(outbox.name(), event.position()));
        return switch (outbox.name()) {
            case "envelopes" -> isKnownByItsRow || payload.contains('"' + event.eventId() + '"');
            case "standard" -> !isKnownByItsRow;
            default -> true;
        };
    }

    /** @return the payload; null if the database refuses the row */
    private @Nullable String insert(Dice dice, String table) throws SQLException {
        String sql = switch (table) {
            case "debezium" ->
                "insert into \"debezium\" (\"id\", \"aggregatetype\", \"aggregateid\", \"type\", \"payload\", \"position\") values (?, ?, ?, ?, ?, ?)";
            case "envelopes" ->
                "insert into \"envelopes\" (\"event_type\", \"event_key\", \"headers\", \"payload\", \"id\", \"status\") values (?, ?, ?, ?, ?, 'pending')";
            default ->
                "insert into \"standard\" (event_id, event_type, event_version, event_key, destination, routing_key, headers, payload, id) values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        };
        try (Connection connection = database.dataSource().getConnection();
                PreparedStatement insert = connection.prepareStatement(database.sql(sql))) {
            String[] texts = switch (table) {
                case "debezium" ->
                    new String[] {text(dice, 64), text(dice, 255), text(dice, 255), text(dice, 255), payload(dice, true)
                    };
                case "envelopes" -> new String[] {text(dice, 128), text(dice, 128), json(dice), payload(dice, true)};
                default ->
                    new String[] {
                        text(dice, 64),
                        text(dice, 128),
                        text(dice, 16),
                        text(dice, 128),
                        text(dice, 255),
                        text(dice, 255),
                        json(dice),
                        payload(dice, false)
                    };
            };
            for (int i = 0; i < texts.length; i++) {
                dice.tried("column " + (i + 1), texts[i] == null ? "null" : texts[i]);
                insert.setString(i + 1, texts[i]);
            }
            insert.setLong(texts.length + 1, dice.tried("row", dice.id()));
            try {
                insert.executeUpdate();
            } catch (SQLException e) {
                if (database.isH2()) {
                    throw e;
                }
                return null;
            }
            return String.valueOf(texts[table.equals("debezium") ? 4 : table.equals("envelopes") ? 3 : 7]);
        }
    }

    private static String text(Dice dice, int most) {
        String text = dice.text(most);
        return text.length() > most ? text.substring(0, most) : text;
    }

    private static String json(Dice dice) {
        return EnvelopeTarget.text(dice.mutated(Dice.utf8(dice.oneIn(2) ? dice.json(2) : dice.object(2))));
    }

    @SuppressWarnings("NullAway") // a payload may be missing
    private static String payload(Dice dice, boolean nullable) {
        if (nullable && dice.oneIn(8)) {
            return null;
        }
        if (dice.oneIn(10)) {
            return dice.text(40);
        }
        return EnvelopeTarget.text(dice.mutated(Dice.utf8(dice.objectLike(Map.of(
                "payload",
                dice.json(2),
                "event_id",
                dice.quoted(dice.text(64)),
                "event_version",
                dice.quoted(dice.text(8)))))));
    }
}
