package dev.posthaste.relay;

import dev.posthaste.broker.Outcome;
import dev.posthaste.store.OutboxStore;
import dev.posthaste.store.PendingEvent;
import dev.posthaste.store.ReceiptStore;
import dev.posthaste.store.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Several listeners as one. What one of them throws reaches neither the relay nor the others. */
record RelayListeners(List<RelayListener> listeners, AtomicLong nextWarningAt) implements RelayListener {
    private static final Logger log = LoggerFactory.getLogger(Relay.class);
    private static final long QUIET_NANOS = 10_000_000_000L;

    RelayListeners(RelayListener... listeners) {
        this(List.of(listeners), new AtomicLong(System.nanoTime()));
    }

    private void tell(Consumer<RelayListener> event) {
        for (RelayListener listener : listeners) {
            try {
                event.accept(listener);
            } catch (Throwable e) {
                warn(listener, e);
            }
        }
    }

    private void warn(RelayListener listener, Throwable thrown) {
        long now = System.nanoTime();
        long next = nextWarningAt.get();
        if (now - next >= 0 && nextWarningAt.compareAndSet(next, now + QUIET_NANOS)) {
            log.warn(
                    "Listener {} threw an exception, which is ignored",
                    listener.getClass().getName(),
                    thrown);
        }
    }

    @Override
    public void leaseTaken(String outbox, long epoch) {
        tell(listener -> listener.leaseTaken(outbox, epoch));
    }

    @Override
    public void leaseLost(String outbox, long epoch) {
        tell(listener -> listener.leaseLost(outbox, epoch));
    }

    @Override
    public void leaseReleased(String outbox, long epoch) {
        tell(listener -> listener.leaseReleased(outbox, epoch));
    }

    @Override
    public void fetched(String outbox, int events, long nanos) {
        tell(listener -> listener.fetched(outbox, events, nanos));
    }

    @Override
    public void answered(String outbox, PendingEvent event, Outcome outcome, long nanos, long sinceWrittenNanos) {
        tell(listener -> listener.answered(outbox, event, outcome, nanos, sinceWrittenNanos));
    }

    @Override
    public void settled(String outbox, List<Verdict> verdicts, int written, long nanos) {
        tell(listener -> listener.settled(outbox, verdicts, written, nanos));
    }

    @Override
    public void brokerUnavailable(String outbox, String reason) {
        tell(listener -> listener.brokerUnavailable(outbox, reason));
    }

    @Override
    public void brokerAvailable(String outbox) {
        tell(listener -> listener.brokerAvailable(outbox));
    }

    @Override
    public void workerFailed(String outbox, Throwable cause) {
        tell(listener -> listener.workerFailed(outbox, cause));
    }

    @Override
    public void waitingKeys(String outbox, int keys, int most) {
        tell(listener -> listener.waitingKeys(outbox, keys, most));
    }

    @Override
    public void idsWentBack(String outbox, long lastId) {
        tell(listener -> listener.idsWentBack(outbox, lastId));
    }

    @Override
    public void databaseFailed(String outbox, RuntimeException cause) {
        tell(listener -> listener.databaseFailed(outbox, cause));
    }

    @Override
    public void backlog(String outbox, OutboxStore.Backlog backlog, int blockedKeys) {
        tell(listener -> listener.backlog(outbox, backlog, blockedKeys));
    }

    @Override
    public void unconsumed(String outbox, ReceiptStore.Unconsumed unconsumed, Duration limit) {
        tell(listener -> listener.unconsumed(outbox, unconsumed, limit));
    }

    @Override
    public void purged(String outbox, int deleted, Duration keep) {
        tell(listener -> listener.purged(outbox, deleted, keep));
    }
}
