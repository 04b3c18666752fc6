package dev.posthaste.relay;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Broker;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.journal.Journal;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * What a pump works with; everything that tests replace comes in here.
 *
 * @param settler runs what settles a batch, one at a time
 * @param clock monotonic, in nanoseconds; no wall clock decides anything
 */
record PumpParts(
        OutboxDefinition outbox,
        Journal journal,
        Broker broker,
        MessageFormat format,
        OutboxPolicy policy,
        RelaySettings settings,
        RelayListener listener,
        Executor settler,
        LongSupplier clock,
        RandomGenerator random) {}
