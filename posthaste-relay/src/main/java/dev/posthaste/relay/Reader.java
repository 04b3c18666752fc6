package dev.posthaste.relay;

import dev.posthaste.AfterDead;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.Pending;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.relay.internal.RelaySettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Brings pending events from the store into the gate. Confined to the pump's thread.
 *
 * <p>It reads in five ways, each in bounded steps:
 *
 * <ul>
 *   <li><em>{@linkplain DeadEvents dead}</em>: where a dead event blocks its key, over all dead events, over and over;
 *   <li><em>fresh</em>: past the highest id seen;
 *   <li><em>due</em>: by id, the first events of keys whose wait is over;
 *   <li><em>{@linkplain CatchUp catching up}</em>: from the lowest id that some key left in the table, for the keys whose next
 *       event is not known;
 *   <li><em>{@linkplain Sweep sweep}</em>: from the beginning, over and over, for whatever became pending below the highest id.
 * </ul>
 *
 * <p>A transaction may take a low id and commit late, when higher ids were read already. Whenever events came in, the
 * {@link Gaps} below the highest id are read again, to their end, before anything is dispatched: an event of the same key
 * that was committed before one of those that came in is visible by then, so it is found and goes first.
 */
final class Reader {
    private static final long FIRST_POLL_NANOS = 5_000_000L;
    private static final int FIRST_LIMIT = 64;

    private final OutboxStore store;
    private final KeyGate gate;
    private final RelaySettings settings;
    private final LongSupplier clock;
    private final RelayListener listener;
    private final String outbox;

    /** Null where dead events do not block their keys. */
    private final @Nullable DeadEvents deadEvents;

    private final CatchUp catchUp;
    private final Sweep sweep;
    private final Gaps gaps = new Gaps();
    private final GapCheck gapCheck;
    private boolean gapsUnchecked;

    private long highest = Long.MIN_VALUE;
    private long lowest = Long.MAX_VALUE;
    private int limit = FIRST_LIMIT;
    private long pollNanos = FIRST_POLL_NANOS;
    private long nextFetchAt;

    Reader(OutboxRuntime parts, KeyGate gate) {
        this.store = parts.store();
        this.gate = gate;
        this.settings = parts.settings();
        this.clock = parts.clock();
        this.listener = parts.listener();
        this.outbox = parts.outbox().name();
        boolean blocks = parts.outbox().afterDead() == AfterDead.BLOCK;
        this.deadEvents = blocks ? new DeadEvents(store, gate, clock) : null;
        this.catchUp = gate.catchUp();
        long now = clock.getAsLong();
        this.sweep = new Sweep(now);
        this.gapCheck = new GapCheck(gaps, store, clock);
        this.nextFetchAt = now;
    }

    /** Reads what is due to be read and fits; returns how many events came in. */
    int read() {
        int came;
        try {
            if (deadEvents != null && !deadEvents.read()) {
                return 0;
            }
            // Fresh events come last: there may be enough of them to fill the window each time.
            came = readDue() + catchUp() + sweep() + readFresh();
        } catch (RuntimeException e) {
            gapsUnchecked = true; // something may have come in before it failed
            throw e;
        }
        if (came > 0 || gapsUnchecked || isOver(gapCheck.nextAt())) {
            gapsUnchecked = true;
            came += gapCheck.run(came > 0, late -> readLate(late, false));
            gapsUnchecked = false;
        }
        return came;
    }

    /** When there is something to read again, on the pump's clock. */
    long nextReadAt() {
        long next = deadEvents == null ? Long.MAX_VALUE : deadEvents.nextAt();
        if (!hasRoom()) {
            return next;
        }
        next = earlier(next, gate.nextDueAt());
        next = earlier(next, catchUp.nextAt());
        next = earlier(next, sweep.nextAt());
        next = earlier(next, gapCheck.nextAt());
        return gate.crowded() ? next : earlier(next, nextFetchAt);
    }

    /** The earlier of two times, of which {@link Long#MAX_VALUE} is never. */
    static long earlier(long one, long other) {
        if (one == Long.MAX_VALUE || other == Long.MAX_VALUE) {
            return Math.min(one, other);
        }
        return one - other <= 0 ? one : other;
    }

    private boolean isOver(long time) {
        return time != Long.MAX_VALUE && clock.getAsLong() - time >= 0;
    }

    /** Something has just been committed: fetch immediately. */
    void wake() {
        nextFetchAt = clock.getAsLong();
        pollNanos = FIRST_POLL_NANOS;
    }

    private boolean hasRoom() {
        return gate.lanes().size() + settings.batch() <= settings.window()
                && gate.lanes().bytes() < settings.windowBytes();
    }

    private int room() {
        return Math.max(1, settings.window() - gate.lanes().size());
    }

    private long roomBytes() {
        return Math.max(1, settings.windowBytes() - gate.lanes().bytes());
    }

    // --- Fresh -------------------------------------------------------------------------------------------------------

    private int readFresh() {
        long now = clock.getAsLong();
        if (now - nextFetchAt < 0 || !hasRoom() || gate.crowded()) {
            return 0;
        }
        List<Pending> events = store.fetch(highest, limit, roomBytes());
        long end = clock.getAsLong();
        for (Pending event : events) {
            gaps.seen(highest, event.id());
            highest = event.id();
            lowest = Math.min(lowest, event.id());
            gate.offer(event, end);
        }
        pace(events.size(), end);
        if (!events.isEmpty()) {
            listener.fetched(outbox, events.size(), Duration.ofNanos(end - now));
        }
        return events.size();
    }

    private void pace(int found, long now) {
        if (found == limit || gate.lanes().bytes() >= settings.windowBytes()) {
            limit = settings.batch();
            pollNanos = FIRST_POLL_NANOS;
            nextFetchAt = now;
        } else if (found > 0 && gate.lanes().bytes() > settings.windowBytes() / 2) { // the others did not fit
            limit = Math.min(settings.batch(), Math.max(16, 2 * found));
            pollNanos = FIRST_POLL_NANOS;
            nextFetchAt = now;
        } else if (found > 0) {
            limit = Math.min(FIRST_LIMIT, settings.batch());
            pollNanos = FIRST_POLL_NANOS;
            nextFetchAt = now + pollNanos;
        } else {
            limit = Math.min(FIRST_LIMIT, settings.batch());
            pollNanos = Math.min(pollNanos * 2, settings.pollCeiling().toNanos());
            nextFetchAt = now + pollNanos;
        }
    }

    // --- Below the highest id ----------------------------------------------------------------------------------------

    private int readDue() {
        return hasRoom() ? load(gate.due(clock.getAsLong(), Math.min(settings.batch(), room()))) : 0;
    }

    private int catchUp() {
        if (!isOver(catchUp.nextAt()) || !hasRoom()) {
            return 0;
        }
        long start = clock.getAsLong();
        List<PendingRef> pending = store.scan(catchUp.begin(), highest, CatchUp.REFS);
        int came = 0;
        try {
            came = load(catchUp.step(pending, room()));
        } finally {
            long end = clock.getAsLong();
            catchUp.endStep(came, end - start, end);
        }
        return came;
    }

    private int sweep() {
        if (!isOver(sweep.nextAt()) || !hasRoom()) {
            return 0;
        }
        long start = clock.getAsLong();
        long through = sweep.through(lowest, highest);
        List<PendingRef> pending = sweep.from() >= highest ? List.of() : store.scan(sweep.from(), through, Sweep.REFS);
        int came = readLate(pending, true);
        boolean full = pending.size() == Sweep.REFS;
        long end = clock.getAsLong();
        sweep.endStep(full ? pending.get(Sweep.REFS - 1).id() : through, full, highest, end - start, pollNanos, end);
        return came;
    }

    /** Events that are pending below the highest id: they became visible late, or are due again. */
    private int readLate(List<PendingRef> pending, boolean sweeping) {
        long now = clock.getAsLong();
        List<Admission> wanted = new ArrayList<>();
        boolean unexpected = false;
        for (PendingRef event : pending) {
            boolean inGap = gaps.contains(event.id());
            gaps.filled(event.id());
            Admission admission = gate.want(event, now);
            if (admission != null) {
                wanted.add(admission);
                unexpected |= !inGap;
            }
        }
        int came = load(wanted);
        if (sweeping && unexpected) {
            startAgainIfIdsWentBack();
        }
        return came;
    }

    /**
     * New events that are below the highest id and in no gap: either they were put back, or the table's ids began again,
     * after a TRUNCATE or when it was restored.
     */
    private void startAgainIfIdsWentBack() {
        long lastId = store.lastId().orElse(Long.MIN_VALUE);
        if (lastId < highest) {
            highest = lastId;
            gaps.reopen(lastId);
            listener.idsWentBack(outbox, lastId);
        }
    }

    // --- Loading -----------------------------------------------------------------------------------------------------

    /** Loads what is wanted, as far as there is room, and reports the outcome of each; returns how many came. */
    private int load(List<Admission> wanted) {
        if (wanted.isEmpty()) {
            return 0;
        }
        List<Admission> asked = wanted.subList(0, Math.min(wanted.size(), room()));
        Map<Long, PendingEvent> events = new HashMap<>();
        long last = Long.MIN_VALUE;
        try {
            for (PendingEvent event :
                    store.load(asked.stream().map(Admission::id).toList(), roomBytes())) {
                events.put(event.id(), event);
                last = Math.max(last, event.id());
            }
        } catch (RuntimeException e) {
            long now = clock.getAsLong();
            wanted.forEach(each -> each.missed(now));
            throw e;
        }
        long now = clock.getAsLong();
        for (int i = 0; i < wanted.size(); i++) {
            Admission each = wanted.get(i);
            PendingEvent event = events.get(each.id());
            if (event != null) {
                each.admit(event, now);
            } else if (i < asked.size() && (events.isEmpty() || each.id() < last)) {
                each.gone(now); // when not all fit, those with the highest ids are missing
            } else {
                each.missed(now);
            }
        }
        return events.size();
    }
}
