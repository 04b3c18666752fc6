package dev.posthaste.internal.store;

import dev.posthaste.Status;
import org.jspecify.annotations.Nullable;

/**
 * An outbox's event as a receipt meets it, and what the receipt means to it: the same in every store.
 *
 * @param eventId null where the outbox does not keep it
 * @param status null where it is another program's
 * @param maxAttempts the event's own limit, null for none
 * @param generation null where the outbox does not keep it
 */
public record ReceiptTarget(
        long id,
        @Nullable String eventId,
        @Nullable Status status,
        int attempts,
        @Nullable Integer maxAttempts,
        @Nullable Integer generation) {

    /** What it has counted. */
    public Verdict.Seen seen() {
        return new Verdict.Seen(attempts, generation);
    }

    /** What a receipt means to its row. */
    public sealed interface Meaning {
        /** It changes the row. */
        record Change() implements Meaning {}

        /** The row already records this, or something newer; there is nothing to do. */
        record Known() implements Meaning {}

        /** It changes nothing, and nothing records it. */
        record Unmatched(String why) implements Meaning {}
    }

    /** @param row null where it is gone */
    public static Meaning meaning(Receipt receipt, @Nullable ReceiptTarget row) {
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
