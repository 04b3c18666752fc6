package dev.posthaste.relay;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.Journal.Purged;
import java.util.Collection;
import java.util.EnumSet;
import java.util.function.BooleanSupplier;

/** Deletes events that were done with long ago, in small batches; never one that is pending. Thread-safe. */
public final class Retention {
    private static final int BATCH = 1000;

    private final OutboxDefinition outbox;
    private final Journal journal;
    private final OutboxPolicy policy;
    private final RelayListener listener;

    Retention(PumpParts parts) {
        this(parts.outbox(), parts.journal(), parts.policy(), parts.listener());
    }

    public Retention(OutboxDefinition outbox, Journal journal, OutboxPolicy policy, RelayListener listener) {
        this.outbox = outbox;
        this.journal = journal;
        this.policy = policy;
        this.listener = listener;
    }

    /**
     * Walks over the old part of the outbox once.
     *
     * @param goOn asked between batches
     * @return how many events were really deleted
     */
    public int runOnce(BooleanSupplier goOn) {
        Collection<Status> statuses =
                outbox.tracked() ? EnumSet.of(Status.CONSUMED) : EnumSet.of(Status.PUBLISHED, Status.CONSUMED);
        if (policy.deleteDead()) {
            statuses.add(Status.DEAD);
        }
        int deleted = 0;
        Purged last = new Purged(0, Long.MIN_VALUE, true);
        while (last.more() && goOn.getAsBoolean()) {
            last = journal.purge(last.next(), policy.keep(), statuses, BATCH);
            deleted += last.deleted();
        }
        if (deleted > 0) {
            listener.purged(outbox.name(), deleted, policy.keep());
        }
        return deleted;
    }
}
