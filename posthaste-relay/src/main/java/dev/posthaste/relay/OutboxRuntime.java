package dev.posthaste.relay;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Broker;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.RelaySettings;
import dev.posthaste.store.OutboxStore;
import dev.posthaste.store.ReceiptStore;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

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
        RandomGenerator random) {}
