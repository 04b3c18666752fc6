package dev.posthaste.relay;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Broker;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.RelaySettings;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a pump works with; everything that tests replace comes in here.
 *
 * @param receipts null where the outbox is not tracked
 * @param settler runs what settles a batch, one at a time
 * @param clock monotonic, in nanoseconds; no wall clock decides anything
 */
record OutboxRuntime(
        OutboxDefinition outbox,
        OutboxStore store,
        @Nullable ReceiptStore receipts,
        Broker broker,
        RelaySettings settings,
        EngineListener listener,
        Executor settler,
        LongSupplier clock,
        RandomGenerator random) {
    private static final Logger log = LoggerFactory.getLogger(Relay.class);

    /** Tells the broker where events will go. The outbox is relayed even if that fails. */
    void prepareBroker() {
        try {
            broker.prepare(outbox.route());
        } catch (Throwable e) {
            log.warn("Outbox {}: its broker could not prepare {}", outbox.name(), outbox.route(), e);
        }
    }
}
