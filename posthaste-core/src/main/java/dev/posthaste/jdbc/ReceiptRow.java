package dev.posthaste.jdbc;

import dev.posthaste.Status;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.jdbc.TableLayout.Payload;
import dev.posthaste.journal.Receipt;
import dev.posthaste.journal.StoredEvent;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * An outbox's row as a receipt meets it.
 *
 * @param eventId null where the table does not keep it
 * @param status null where it is another program's
 * @param maxAttempts the event's own limit, 0 for none
 * @param generation null where the table does not keep it
 */
record ReceiptRow(
        long id,
        @Nullable String eventId,
        @Nullable Status status,
        int attempts,
        int maxAttempts,
        @Nullable Integer generation) {

    /** The row of {@link OutboxStatements#receiptRows}. */
    static ReceiptRow read(ResultSet row, TableLayout layout, String outbox) throws SQLException {
        long id = row.getLong(1);
        return new ReceiptRow(
                id,
                layout.has(Column.EVENT_ID) ? eventId(row.getString(2), layout, outbox, id) : null,
                layout.status(row.getString(6)),
                row.getInt(3),
                row.getInt(4),
                layout.has(Column.GENERATION) ? Integer.valueOf(row.getInt(5)) : null);
    }

    private static @Nullable String eventId(@Nullable String column, TableLayout layout, String outbox, long id) {
        if (column != null && !column.isEmpty()) {
            return column;
        }
        return layout.payload() == Payload.ENVELOPE ? null : StoredEvent.idOfRow(outbox, id);
    }

    /** What a receipt means to its row. */
    sealed interface Meaning {
        /** It changes the row. */
        record Change() implements Meaning {}

        /** The row says so already, or something newer; there is nothing to do. */
        record Known() implements Meaning {}

        /** It changes nothing, and nothing tells of it. */
        record Unmatched(String why) implements Meaning {}
    }

    /** @param row null where it is gone */
    static Meaning meaning(Receipt receipt, @Nullable ReceiptRow row) {
        if (receipt instanceof Receipt.Refusal refusal) {
            return row == null ? new Meaning.Unmatched("the event's row is gone") : row.meaning(refusal);
        }
        boolean changes = row != null && row.isOf(receipt) && row.status != null && row.status != Status.CONSUMED;
        return changes ? new Meaning.Change() : new Meaning.Known();
    }

    private boolean isOf(Receipt receipt) {
        return eventId == null || eventId.equals(receipt.eventId());
    }

    private Meaning meaning(Receipt.Refusal refusal) {
        if (!isOf(refusal)) {
            return new Meaning.Unmatched("the row holds another event, " + eventId);
        }
        if (status == null) {
            return new Meaning.Unmatched("the event's status is another program's");
        }
        int counted = countedSince(refusal);
        return switch (status) {
            case PENDING, PUBLISHED -> {
                if (counted < 0) {
                    yield new Meaning.Unmatched(
                            "the row counts less than the message that was refused: it was changed by hand, or restored");
                }
                yield counted == 0 ? new Meaning.Change() : new Meaning.Known();
            }
            case DEAD -> counted > 0 ? new Meaning.Known() : new Meaning.Unmatched("the event was dead before");
            case CONSUMED -> counted > 0 ? new Meaning.Known() : new Meaning.Unmatched("the event is consumed");
        };
    }

    /** Whether the row counts more than the refusal has seen (positive), the same (0) or less (negative). */
    private int countedSince(Receipt.Refusal refusal) {
        Integer seenGeneration = refusal.seenGeneration();
        if (generation != null && seenGeneration != null && !generation.equals(seenGeneration)) {
            return generation.compareTo(seenGeneration);
        }
        Integer seenAttempts = refusal.seenAttempts();
        return seenAttempts == null ? 0 : Integer.compare(attempts, seenAttempts);
    }
}
