package dev.posthaste.fuzz;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Schema;
import dev.posthaste.Status;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.receipts.ReceiptMessages;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.servers.Database;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What is written as a receipt reads back the same; what others wrote is a receipt for exactly the row that it names,
 * or not a receipt; and no receipt keeps later ones from being written into the table.
 */
final class ReceiptsTarget implements Target {
    private static final OutboxDefinition OUTBOX = Formats.OUTBOX.tracked(true);
    /** The column's length. */
    private static final int MAX_EVENT_ID = 64;

    private final FuzzDatabase database;
    private final RowStore store;

    ReceiptsTarget(Database kind) throws SQLException {
        database = new FuzzDatabase(kind);
        store = new RowStore(database.dataSource(), database.dialect(), OUTBOX);
        Schema.create(database.dataSource(), Catalog.of(OUTBOX));
    }

    @Override
    public String name() {
        return "receipts";
    }

    @Override
    public void close() {
        database.close();
    }

    @Override
    public void run(Dice dice) throws SQLException {
        Receipt receipt = dice.oneIn(2) ? own(dice) : foreign(dice);
        boolean isStorable =
                database.isH2() || receipt != null && receipt.row() != 0 && Dice.isUnicode(receipt.eventId());
        if (receipt != null && isStorable) {
            write(dice, receipt);
        }
    }

    private static Receipt own(Dice dice) {
        String outbox = dice.good(100);
        long row = dice.tried("row", dice.id());
        String id = dice.tried("event id", dice.good(MAX_EVENT_ID));
        String error = dice.tried("error", dice.text(3_000));
        Integer attempts = dice.oneIn(3) ? null : Integer.valueOf(dice.below(Integer.MAX_VALUE));
        Integer generation = dice.oneIn(3) ? null : Integer.valueOf(dice.below(10));
        Receipt receipt = dice.pick(
                new Receipt.Consumed(outbox, row, id),
                new Receipt.Failed(outbox, row, id, attempts, generation, error),
                new Receipt.Rejected(outbox, row, id, attempts, generation, error));
        Receipt read = ReceiptMessages.read(dice.tried("json", ReceiptMessages.write(receipt)));
        if (Dice.isUnicode(error)) {
            FindingException.unlessEqual("the receipt", receipt, read);
        } else {
            FindingException.unlessEqual("the receipt's row", receipt.row(), read.row());
        }
        return receipt;
    }

    private static @Nullable Receipt foreign(Dice dice) {
        Map<String, String> members = new LinkedHashMap<>();
        members.put("outbox", dice.quoted(dice.good(40)));
        members.put(dice.oneIn(3) ? "row" : "position", dice.oneIn(3) ? dice.quoted(dice.number()) : dice.number());
        members.put("event_id", dice.quoted(dice.text(MAX_EVENT_ID)));
        members.put("status", dice.quoted(dice.pick("consumed", "failed", "rejected", "Consumed", "")));
        members.put("error", dice.quoted(dice.text(200)));
        members.put("attempts", dice.number());
        members.put("generation", dice.number());
        byte[] json = dice.tried("json", dice.mutated(Dice.utf8(dice.objectLike(members))));
        Receipt receipt;
        try {
            receipt = ReceiptMessages.read(json);
        } catch (IllegalArgumentException e) {
            FindingException.unless(e.getMessage() != null && !e.getMessage().isBlank(), "a refusal says why");
            return null;
        }
        FindingException.unlessEqual("the row", row(json), Long.toString(receipt.row()));
        return receipt;
    }

    /** The row in the JSON; the last member of that name counts. */
    private static String row(byte[] json) {
        try {
            JsonNode receipt = JsonMapper.shared().readTree(json);
            JsonNode row = receipt.path(receipt.has("position") ? "position" : "row");
            return row.isNumber() && row.canConvertToLong() && row.isIntegralNumber()
                    ? Long.toString(row.longValue())
                    : row.isString() && row.stringValue().matches("-?[0-9]+")
                            ? new java.math.BigInteger(row.stringValue()).toString()
                            : row.toString();
        } catch (JacksonException e) {
            return "not JSON";
        }
    }

    /** Writes it into a table with the row that it names. */
    private void write(Dice dice, Receipt receipt) throws SQLException {
        String status = dice.tried("status of the row", dice.pick("pending", "published", "dead", "consumed"));
        boolean another = dice.oneIn(6) || receipt.eventId().length() > MAX_EVENT_ID;
        String id = another ? "another" : receipt.eventId();
        database.execute("delete from \"orders_outbox\"");
        try (Connection connection = database.dataSource().getConnection();
                PreparedStatement insert = connection.prepareStatement(
                        database.sql(
                                "insert into \"orders_outbox\" (id, event_id, event_type, payload, status) values (?, ?, 'order.placed', '{}', ?)"))) {
            insert.setLong(1, receipt.row());
            insert.setString(2, id);
            insert.setString(3, status);
            insert.executeUpdate();
        }
        ReceiptStore.Received received =
                store.receive(List.of(receipt), RefusalPolicy.of(RetryPolicy.exponential(), new Random(1)));
        FindingException.unless(received.locked().isEmpty(), "a receipt for an unlocked row is written or refused");
        if (receipt instanceof Receipt.Consumed && id.equals(receipt.eventId())) {
            FindingException.unlessEqual("consumed events", 1L, store.counts().getOrDefault(Status.CONSUMED, 0L));
        }
    }
}
