package dev.posthaste.relay;

import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.text.DurationText;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks for events of a tracked outbox that were published long ago and for which no receipt has come: reports them
 * and, where the policy says so, has those published again that their consumer has passed over. Silence is not a
 * refusal, so no attempt is counted; the copies are bounded because each waits twice as long as the one before.
 *
 * <p>An event that is passed over for the first time may be in another thread's or partition's hands, so it is given
 * that time once more before it is published again. Used by one thread.
 */
final class UnconsumedCheck {
    static final int MAX_REMEMBERED = 10_000;
    private static final Logger log = LoggerFactory.getLogger(UnconsumedCheck.class);
    private static final int BATCH = 1000;
    private static final Duration MAX_WAIT = Duration.ofDays(1);

    private final OutboxRuntime parts;
    private final Map<Long, Wait> remembered = new HashMap<>();
    private boolean toldFull;

    /**
     * An event that was passed over.
     *
     * @param times how often it was published again
     * @param until the monotonic time before which it is not published again
     */
    private record Wait(int times, long until) {}

    UnconsumedCheck(OutboxRuntime parts) {
        this.parts = parts;
    }

    /**
     * @param goOn asked between batches
     * @return how many events are to be published again
     */
    int runOnce(BooleanSupplier goOn) {
        ReceiptStore store = Objects.requireNonNull(parts.receipts());
        Duration limit = parts.outbox().consumedWithin();
        ReceiptStore.Unconsumed found = store.unconsumed(limit);
        parts.listener().unconsumed(parts.outbox().name(), found.events(), found.oldestAge());
        if (!parts.outbox().republishUnconsumed()) {
            return 0;
        }
        long now = parts.clock().getAsLong();
        int republished = 0;
        long after = Long.MIN_VALUE;
        boolean more = found.events() > 0;
        Set<Long> seen = new HashSet<>();
        while (more && goOn.getAsBoolean()) {
            List<Long> events = store.passedOver(limit, after, BATCH);
            Set<Long> again =
                    store.republish(events.stream().filter(id -> isDue(id, now)).toList());
            again.forEach(id -> remembered.computeIfPresent(
                    id, (same, wait) -> new Wait(wait.times() + 1, now + waitNanos(wait.times() + 1))));
            republished += again.size();
            events.stream().filter(remembered::containsKey).forEach(seen::add);
            more = events.size() == BATCH;
            after = more ? events.get(BATCH - 1) : after;
        }
        forget(seen, now);
        return republished;
    }

    /** Whether it is time to publish it again; one that is seen for the first time is remembered. */
    private boolean isDue(long id, long now) {
        Wait wait = remembered.get(id);
        if (wait != null) {
            return now - wait.until() >= 0;
        }
        if (remembered.size() < MAX_REMEMBERED) {
            remembered.put(id, new Wait(0, now + waitNanos(0)));
        } else if (!toldFull) {
            toldFull = true;
            log.warn(
                    "Outbox {}: more than {} events were published and not consumed within {}, though their consumer has"
                            + " passed them; the rest are not published again",
                    parts.outbox().name(),
                    MAX_REMEMBERED,
                    DurationText.of(parts.outbox().consumedWithin()));
        }
        return false;
    }

    private long waitNanos(int times) {
        long first = parts.outbox().consumedWithin().toNanos();
        long longest = Math.max(first, MAX_WAIT.toNanos());
        return first > longest >> Math.min(times, 62) ? longest : first << times;
    }

    /** An event that was not seen for longer than its wait was consumed meanwhile. */
    private void forget(Set<Long> seen, long now) {
        long grace = parts.outbox().consumedWithin().toNanos();
        remembered
                .entrySet()
                .removeIf(each ->
                        !seen.contains(each.getKey()) && now - each.getValue().until() > grace);
        toldFull = toldFull && remembered.size() >= MAX_REMEMBERED;
    }
}
