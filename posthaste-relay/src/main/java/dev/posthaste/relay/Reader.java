package dev.posthaste.relay;

import dev.posthaste.journal.Journal;
import dev.posthaste.journal.JournalException;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Brings pending events from the journal into the gate. Confined to the pump's thread.
 *
 * <p>It reads in four ways, each in bounded steps:
 *
 * <ul>
 *   <li><em>fresh</em>: past the highest id seen;
 *   <li><em>woken</em>: by id, the first events of keys whose wait is over;
 *   <li><em>catching up</em>: from the lowest id that some key left in the table, for the keys that have room again;
 *   <li><em>patrol</em>: from the beginning, over and over, for whatever became pending behind the highest id.
 * </ul>
 *
 * <p>A transaction may take a low id and commit late, when higher ids were read already. Whenever events came in, the
 * {@link Gaps} below the highest id are looked at again before anything is handed over: an event of the same key that was
 * committed before one of those that came in is visible by then, so it is found and goes first.
 */
final class Reader {
    private static final long FIRST_POLL_NANOS = 5_000_000L;
    private static final int FIRST_LIMIT = 64;
    private static final int MARKS = 1000;
    private static final int GAP_PROBES = 500;
    private static final long PATROL_GAP_NANOS = 100_000_000L;
    private static final long LONGEST_REST_NANOS = 2_000_000_000L;
    private static final long QUICK_NANOS = 5_000_000L;
    private static final long SLOW_NANOS = 20_000_000L;

    private final Journal journal;
    private final KeyGate gate;
    private final RelaySettings settings;
    private final LongSupplier clock;
    private final RelayListener listener;
    private final String outbox;

    private final Gaps gaps = new Gaps();
    private boolean owesLook;
    private long highest;
    private int limit = FIRST_LIMIT;
    private long pollNanos = FIRST_POLL_NANOS;
    private long nextFetchAt;

    private long patrolFrom;
    private long patrolSpan = 1_000_000;
    private long nextPatrolAt;

    private boolean catchingUp;
    private long catchUpFrom;
    private boolean caughtSome;
    private long nextCatchUpAt;

    Reader(PumpParts parts, KeyGate gate) {
        this.journal = parts.journal();
        this.gate = gate;
        this.settings = parts.settings();
        this.clock = parts.clock();
        this.listener = parts.listener();
        this.outbox = parts.outbox().name();
        long now = clock.getAsLong();
        this.nextFetchAt = now;
        this.nextPatrolAt = now + PATROL_GAP_NANOS;
        this.nextCatchUpAt = now;
    }

    /** Reads what is due to be read and fits; returns how many events came in. */
    int read() {
        int came;
        try {
            came = wake() + catchUp() + fresh() + patrol();
        } catch (JournalException e) {
            owesLook = true; // something may have come in before it failed
            throw e;
        }
        if (came > 0 || owesLook) {
            owesLook = true;
            came += lookBehind();
            owesLook = false;
        }
        return came;
    }

    /** When there is something to read again, on the pump's clock. */
    long nextReadAt() {
        if (!hasRoom()) {
            return Long.MAX_VALUE;
        }
        long next = Math.min(gate.nextWake(), nextPatrolAt);
        if (!gate.crowded()) {
            next = Math.min(next, nextFetchAt);
        }
        return gate.wantsToCatchUp() ? Math.min(next, nextCatchUpAt) : next;
    }

    /** Something was committed just now: look at once. */
    void hint() {
        nextFetchAt = clock.getAsLong();
        pollNanos = FIRST_POLL_NANOS;
    }

    private boolean hasRoom() {
        return gate.size() + settings.batch() <= settings.window() && gate.bytes() < settings.windowBytes();
    }

    private long roomBytes() {
        return Math.max(1, settings.windowBytes() - gate.bytes());
    }

    // --- Fresh -----------------------------------------------------------------------------------------------------

    private int fresh() {
        long now = clock.getAsLong();
        if (now - nextFetchAt < 0 || !hasRoom() || gate.crowded()) {
            return 0;
        }
        List<PendingEvent> events = journal.fetch(highest, limit, roomBytes());
        long end = clock.getAsLong();
        for (PendingEvent event : events) {
            gaps.seen(highest, event.id());
            highest = event.id();
            gate.offerFresh(event, end);
        }
        pace(events.size(), end);
        if (!events.isEmpty()) {
            listener.fetched(outbox, events.size(), end - now);
        }
        return events.size();
    }

    private void pace(int found, long now) {
        if (found == limit || gate.bytes() >= settings.windowBytes()) {
            limit = settings.batch();
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

    // --- Woken -----------------------------------------------------------------------------------------------------

    private int wake() {
        long now = clock.getAsLong();
        if (gate.nextWake() - now > 0 || !hasRoom()) {
            return 0;
        }
        List<Long> ids = gate.wake(now, settings.batch());
        if (ids.isEmpty()) {
            return 0;
        }
        Map<Long, PendingEvent> loaded;
        try {
            loaded = load(ids);
        } catch (JournalException e) {
            gate.wakeLater(ids, now);
            throw e;
        }
        long end = clock.getAsLong();
        for (Long id : ids) {
            PendingEvent event = loaded.get(id);
            if (event == null) {
                gate.wokenInVain(id);
            } else {
                gate.admitWoken(event, end);
            }
        }
        return loaded.size();
    }

    // --- Catching up -----------------------------------------------------------------------------------------------

    private int catchUp() {
        long now = clock.getAsLong();
        if (now - nextCatchUpAt < 0 || !hasRoom() || !gate.wantsToCatchUp()) {
            return 0;
        }
        if (!catchingUp) {
            catchingUp = true;
            caughtSome = false;
            catchUpFrom = gate.beginCatchUp();
        }
        List<PendingMark> marks = journal.scan(catchUpFrom, highest, MARKS);
        List<PendingMark> wanted = new ArrayList<>();
        for (PendingMark mark : marks) {
            catchUpFrom = mark.id();
            if (gate.wantsLeft(mark)) {
                wanted.add(mark);
            }
        }
        Map<Long, PendingEvent> loaded;
        try {
            loaded = loadMarks(wanted);
        } catch (JournalException e) {
            wanted.forEach(mark -> gate.missedLeft(mark.key(), mark.id()));
            throw e;
        }
        long end = clock.getAsLong();
        for (PendingMark mark : wanted) {
            PendingEvent event = loaded.get(mark.id());
            if (event == null) {
                gate.missedLeft(mark.key(), mark.id());
            } else {
                gate.admitLeft(event, end);
            }
        }
        caughtSome |= !loaded.isEmpty();
        boolean over = marks.size() < MARKS;
        if (over) {
            gate.endCatchUp();
        }
        if (over || !gate.catchingUp()) {
            catchingUp = false;
        }
        nextCatchUpAt = catchingUp || caughtSome ? end : end + PATROL_GAP_NANOS / 2;
        return loaded.size();
    }

    // --- Patrol ----------------------------------------------------------------------------------------------------

    private int patrol() {
        long now = clock.getAsLong();
        if (now - nextPatrolAt < 0 || !hasRoom()) {
            return 0;
        }
        long through = Math.min(highest, patrolFrom + patrolSpan);
        List<PendingMark> marks = patrolFrom >= highest ? List.of() : journal.scan(patrolFrom, through, MARKS);
        int came = takeStrays(marks);
        long end = clock.getAsLong();
        boolean full = marks.size() == MARKS;
        patrolFrom = full ? marks.get(MARKS - 1).id() : through;
        boolean roundOver = patrolFrom >= highest;
        adaptSpan(end - now, full);
        if (roundOver) {
            patrolFrom = 0;
        }
        // At most a twentieth of the time, and not more often than the outbox is polled. A process that stood still in
        // the
        // middle has not been busy for so long.
        long gap = roundOver ? Math.max(PATROL_GAP_NANOS, pollNanos) : 0;
        nextPatrolAt = end + Math.max(gap, Math.min(19 * (end - now), LONGEST_REST_NANOS));
        return came;
    }

    /** A step over rows that a long transaction keeps from being cleaned up takes long though it finds nothing. */
    private void adaptSpan(long took, boolean full) {
        if (took > SLOW_NANOS && !full) {
            patrolSpan = Math.max(MARKS, patrolSpan / 2);
        } else if (took < QUICK_NANOS && !full) {
            patrolSpan = Math.min(patrolSpan * 4, 1L << 60);
        }
    }

    // --- Strays ----------------------------------------------------------------------------------------------------

    /** Looks whether gaps were filled meanwhile. */
    private int lookBehind() {
        if (gaps.isEmpty()) {
            return 0;
        }
        if (gaps.size() <= GAP_PROBES) {
            return probe(gaps.latest(GAP_PROBES));
        }
        int most = gate.size() + MARKS;
        List<PendingMark> marks = journal.scan(gaps.lowest() - 1, gaps.highest(), most);
        int came = takeStrays(marks);
        return marks.size() < most ? came : came + probe(gaps.latest(GAP_PROBES));
    }

    private int probe(List<Long> ids) {
        List<PendingEvent> found = journal.load(ids, Long.MAX_VALUE);
        long now = clock.getAsLong();
        for (PendingEvent event : found) {
            gaps.filled(event.id());
            if (gate.wantsStray(new PendingMark(event.id(), event.event().key(), event.waitNanos()), now)) {
                gate.admit(event, now);
            }
        }
        return found.size();
    }

    private int takeStrays(List<PendingMark> marks) {
        long now = clock.getAsLong();
        List<PendingMark> wanted = new ArrayList<>();
        for (PendingMark mark : marks) {
            gaps.filled(mark.id());
            if (gate.wantsStray(mark, now)) {
                wanted.add(mark);
            }
        }
        Map<Long, PendingEvent> loaded;
        try {
            loaded = loadMarks(wanted);
        } catch (JournalException e) {
            wanted.forEach(mark -> gate.missed(mark.key(), mark.id()));
            throw e;
        }
        for (PendingMark mark : wanted) {
            PendingEvent event = loaded.get(mark.id());
            if (event == null) {
                gate.missed(mark.key(), mark.id());
            } else {
                gate.admit(event, now);
            }
        }
        return loaded.size();
    }

    // --- Loading ---------------------------------------------------------------------------------------------------

    private Map<Long, PendingEvent> loadMarks(List<PendingMark> marks) {
        return load(marks.stream().map(PendingMark::id).toList());
    }

    private Map<Long, PendingEvent> load(List<Long> ids) {
        Map<Long, PendingEvent> byId = new HashMap<>();
        if (!ids.isEmpty()) {
            journal.load(ids, roomBytes()).forEach(event -> byId.put(event.id(), event));
        }
        return byId;
    }
}
