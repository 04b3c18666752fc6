package dev.posthaste.relay;

import dev.posthaste.journal.Journal;
import dev.posthaste.journal.Journal.UnconsumedEvent;
import dev.posthaste.journal.Receipt;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Looks for events of a tracked outbox that were published long ago and that no consumer has spoken of: reports them, and
 * where the policy says so, has them published again. Thread-safe.
 */
final class UnconsumedWatch {
    private static final int BATCH = 1000;

    private final PumpParts parts;

    UnconsumedWatch(PumpParts parts) {
        this.parts = parts;
    }

    /**
     * @param goOn asked between batches
     * @return how many events are to be published again
     */
    int runOnce(BooleanSupplier goOn) {
        Journal journal = parts.journal();
        Duration limit = parts.policy().consumedWithin();
        Journal.Unconsumed found = journal.unconsumed(limit);
        parts.listener().unconsumed(parts.outbox().name(), found, limit);
        int republished = 0;
        boolean more = parts.policy().republishUnconsumed() && found.events() > 0;
        while (more && goOn.getAsBoolean()) {
            List<UnconsumedEvent> events = journal.unconsumed(limit, BATCH);
            int changed = journal.receive(
                    events.stream().map(this::failed).toList(), parts.policy().retry());
            republished += changed;
            more = events.size() == BATCH && changed > 0; // what others are changing is looked at next time
        }
        return republished;
    }

    private Receipt failed(UnconsumedEvent event) {
        return new Receipt.Failed(
                parts.outbox().name(),
                event.id(),
                event.eventId(),
                event.attempts(),
                "published, and not consumed within " + parts.policy().consumedWithin());
    }
}
