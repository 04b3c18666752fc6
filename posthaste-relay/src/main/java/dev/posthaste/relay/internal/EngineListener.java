package dev.posthaste.relay.internal;

import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.relay.RelayListener;
import java.util.List;

/**
 * A listener that also hears what happens inside, in the engine's own terms: for the relay's log, tests and
 * simulations.
 */
public interface EngineListener extends RelayListener {
    EngineListener NONE = new EngineListener() {};

    /**
     * The broker answered.
     *
     * @param nanos since the event was handed to the broker for the last time
     * @param sinceWrittenNanos since the event was written, all waiting and earlier attempts included
     */
    default void answered(String outbox, PendingEvent event, Outcome outcome, long nanos, long sinceWrittenNanos) {}

    /**
     * Verdicts were committed. {@code written} is smaller than their number when such events were changed by others.
     */
    default void settled(String outbox, List<Verdict> verdicts, int written, long nanos) {}
}
