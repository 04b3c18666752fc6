package dev.posthaste.relay.internal;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.OutboxStore.Forgotten;
import dev.posthaste.internal.store.RetentionRule;
import dev.posthaste.relay.RelayListener;
import java.util.function.BooleanSupplier;

/** Has the store forget events that were finished long ago, a bounded piece at a time. Thread-safe. */
public final class Retention {
    private static final int BATCH = 1000;

    private final OutboxDefinition outbox;
    private final OutboxStore store;
    private final RelayListener listener;

    public Retention(OutboxDefinition outbox, OutboxStore store, RelayListener listener) {
        this.outbox = outbox;
        this.store = store;
        this.listener = listener;
    }

    /**
     * Walks over the old part of the outbox once.
     *
     * @param goOn asked between batches
     * @return how many events were deleted
     */
    public int runOnce(BooleanSupplier goOn) {
        RetentionRule rule = new RetentionRule(outbox.keep(), outbox.deleteDead());
        int deleted = 0;
        Forgotten last = new Forgotten(0, Long.MIN_VALUE, true);
        while (last.more() && goOn.getAsBoolean()) {
            last = store.forget(rule, last.next(), BATCH);
            deleted += last.events();
        }
        if (deleted > 0) {
            listener.purged(outbox.name(), deleted);
        }
        return deleted;
    }
}
