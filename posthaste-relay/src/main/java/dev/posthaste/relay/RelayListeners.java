package dev.posthaste.relay;

import dev.posthaste.Backlog;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.relay.internal.EngineListener;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Several listeners as one. What one of them throws reaches neither the relay nor the others. */
record RelayListeners(List<RelayListener> listeners, AtomicLong nextWarningAt) implements EngineListener {
    private static final Logger log = LoggerFactory.getLogger(Relay.class);
    private static final long QUIET_NANOS = 10_000_000_000L;

    RelayListeners(List<RelayListener> listeners) {
        this(List.copyOf(listeners), new AtomicLong(System.nanoTime()));
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

    private void tellOfTheEngine(Consumer<EngineListener> event) {
        tell(listener -> {
            if (listener instanceof EngineListener engine) {
                event.accept(engine);
            }
        });
    }

    @Override
    public void answered(String outbox, PendingEvent event, Outcome outcome, long nanos, long sinceWrittenNanos) {
        tellOfTheEngine(listener -> listener.answered(outbox, event, outcome, nanos, sinceWrittenNanos));
    }

    @Override
    public void settled(String outbox, List<Verdict> verdicts, int written, long nanos) {
        tellOfTheEngine(listener -> listener.settled(outbox, verdicts, written, nanos));
        settled(outbox, verdicts.size(), verdicts.size() - written, Duration.ofNanos(nanos));
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
    public void fetched(String outbox, int events, Duration took) {
        tell(listener -> listener.fetched(outbox, events, took));
    }

    @Override
    public void published(String outbox, RelayedEvent event) {
        tell(listener -> listener.published(outbox, event));
    }

    @Override
    public void retried(String outbox, RelayedEvent event, String reason) {
        tell(listener -> listener.retried(outbox, event, reason));
    }

    @Override
    public void died(String outbox, RelayedEvent event, String reason) {
        tell(listener -> listener.died(outbox, event, reason));
    }

    @Override
    public void resent(String outbox, RelayedEvent event, String reason) {
        tell(listener -> listener.resent(outbox, event, reason));
    }

    @Override
    public void settled(String outbox, int events, int missed, Duration took) {
        tell(listener -> listener.settled(outbox, events, missed, took));
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
    public void databaseFailed(String outbox, Throwable cause) {
        tell(listener -> listener.databaseFailed(outbox, cause));
    }

    @Override
    public void workerFailed(String outbox, Throwable cause) {
        tell(listener -> listener.workerFailed(outbox, cause));
    }

    @Override
    public void idsWentBack(String outbox, long lastId) {
        tell(listener -> listener.idsWentBack(outbox, lastId));
    }

    @Override
    public void measured(String outbox, Backlog backlog, int blockedKeys) {
        tell(listener -> listener.measured(outbox, backlog, blockedKeys));
    }

    @Override
    public void waitingKeys(String outbox, int keys, int most) {
        tell(listener -> listener.waitingKeys(outbox, keys, most));
    }

    @Override
    public void unconsumed(String outbox, long events, Duration oldest) {
        tell(listener -> listener.unconsumed(outbox, events, oldest));
    }

    @Override
    public void purged(String outbox, int events) {
        tell(listener -> listener.purged(outbox, events));
    }
}
