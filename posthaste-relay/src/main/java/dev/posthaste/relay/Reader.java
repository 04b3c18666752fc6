package dev.posthaste.relay;

import dev.posthaste.journal.IdRange;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.Pending;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import dev.posthaste.journal.Writers;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/**
 * Brings pending events from the journal into the gate. Confined to the pump's thread.
 *
 * <p>It reads in five ways, each in bounded steps:
 *
 * <ul>
 *   <li><em>dead</em>: where a dead event blocks its key, over all dead events, over and over;
 *   <li><em>fresh</em>: past the highest id seen;
 *   <li><em>woken</em>: by id, the first events of keys whose wait is over;
 *   <li><em>walk</em>: from the lowest id that some key left in the table, for the keys whose next event is not known;
 *   <li><em>patrol</em>: from the beginning, over and over, for whatever became pending behind the highest id.
 * </ul>
 *
 * <p>A transaction may take a low id and commit late, when higher ids were read already. Whenever events came in, the
 * {@link Gaps} below the highest id are read again, to their end, before anything is handed over: an event of the same key
 * that was committed before one of those that came in is visible by then, so it is found and goes first.
 */
final class Reader {
    private static final long FIRST_POLL_NANOS = 5_000_000L;
    private static final int FIRST_LIMIT = 64;
    private static final int MARKS = 1000;
    private static final int PATROL_MARKS = 4000;
    private static final int DEAD_EVENTS = 5000;
    private static final int RANGES = 500;
    private static final long PATROL_GAP_NANOS = 100_000_000L;
    private static final long PATROL_ROUND_NANOS = 5_000_000_000L;
    private static final long LONGEST_REST_NANOS = 2_000_000_000L;
    private static final long QUICK_NANOS = 5_000_000L;
    private static final long SLOW_NANOS = 20_000_000L;
    private static final long DEAD_GAP_NANOS = 1_000_000_000L;
    private static final long FIRST_LOOK_NANOS = 20_000_000L;
    private static final long LONGEST_LOOK_NANOS = 1_000_000_000L;

    private final Journal journal;
    private final KeyGate gate;
    private final RelaySettings settings;
    private final boolean blocks;
    private final LongSupplier clock;
    private final RelayListener listener;
    private final String outbox;

    private final Gaps gaps = new Gaps();
    private boolean owesLook;
    private boolean provable = true;
    private long lookGap = FIRST_LOOK_NANOS;
    private long nextLookAt;
    private long nextListAt;

    private long highest = Long.MIN_VALUE;
    private long lowest = Long.MAX_VALUE;
    private int limit = FIRST_LIMIT;
    private long pollNanos = FIRST_POLL_NANOS;
    private long nextFetchAt;

    private long patrolFrom = Long.MIN_VALUE;
    private long patrolSpan = 1_000_000;
    private long patrolWork;
    private long lastRoundWork;
    private long nextPatrolAt;

    private boolean walking;
    private long walkFrom;
    private long walkWork;
    private boolean walkCaughtSome;
    private long nextWalkAt;

    private boolean deadKeysKnown;
    private long deadFrom = Long.MIN_VALUE;
    private long nextDeadAt;

    Reader(PumpParts parts, KeyGate gate) {
        this.journal = parts.journal();
        this.gate = gate;
        this.settings = parts.settings();
        this.blocks = parts.policy().afterDead() == OutboxPolicy.AfterDead.BLOCK;
        this.clock = parts.clock();
        this.listener = parts.listener();
        this.outbox = parts.outbox().name();
        long now = clock.getAsLong();
        this.nextFetchAt = now;
        this.nextPatrolAt = now + PATROL_GAP_NANOS;
        this.nextWalkAt = now;
        this.nextDeadAt = now;
        this.nextLookAt = now;
        this.nextListAt = now;
    }

    /** Reads what is due to be read and fits; returns how many events came in. */
    int read() {
        int came;
        try {
            readDeadEvents();
            if (blocks && !deadKeysKnown) {
                return 0;
            }
            came = wake() + walk() + fresh() + patrol();
        } catch (RuntimeException e) {
            owesLook = true; // something may have come in before it failed
            throw e;
        }
        if (came > 0 || owesLook || isLookDue()) {
            owesLook = true;
            came += lookBehind(came > 0);
            owesLook = false;
        }
        return came;
    }

    /** When there is something to read again, on the pump's clock. */
    long nextReadAt() {
        long next = blocks ? nextDeadAt : Long.MAX_VALUE;
        if (!hasRoom()) {
            return next;
        }
        next = earlier(next, gate.nextWake());
        next = earlier(next, nextPatrolAt);
        if (!gate.crowded()) {
            next = earlier(next, nextFetchAt);
        }
        if (provable && !gaps.isEmpty()) {
            next = earlier(next, nextLookAt);
        }
        return walking || gate.walk().isWanted() ? earlier(next, nextWalkAt) : next;
    }

    /** The earlier of two times, of which {@link Long#MAX_VALUE} is never. */
    static long earlier(long one, long other) {
        if (one == Long.MAX_VALUE || other == Long.MAX_VALUE) {
            return Math.min(one, other);
        }
        return one - other <= 0 ? one : other;
    }

    /** Something was committed just now: look at once. */
    void hint() {
        nextFetchAt = clock.getAsLong();
        pollNanos = FIRST_POLL_NANOS;
    }

    private boolean hasRoom() {
        return gate.size() + settings.batch() <= settings.window() && gate.bytes() < settings.windowBytes();
    }

    private int room() {
        return Math.max(1, settings.window() - gate.size());
    }

    private long roomBytes() {
        return Math.max(1, settings.windowBytes() - gate.bytes());
    }

    // --- Dead ------------------------------------------------------------------------------------------------------

    /** Where a dead event blocks its key, the keys that are blocked are known before anything is read. */
    private void readDeadEvents() {
        if (!blocks || clock.getAsLong() - nextDeadAt < 0) {
            return;
        }
        boolean more = true;
        while (more) {
            long now = clock.getAsLong();
            if (deadFrom == Long.MIN_VALUE) {
                gate.beginDeadRound();
            }
            List<Journal.DeadEvent> dead = journal.dead(deadFrom, DEAD_EVENTS);
            dead.forEach(each -> gate.block(each.key(), each.id()));
            long end = clock.getAsLong();
            boolean roundOver = dead.size() < DEAD_EVENTS;
            if (roundOver) {
                gate.endDeadRound(end);
                deadKeysKnown = true;
            }
            deadFrom = roundOver ? Long.MIN_VALUE : dead.get(dead.size() - 1).id();
            nextDeadAt = end + Math.max(roundOver ? DEAD_GAP_NANOS : 0, Math.min(4 * (end - now), LONGEST_REST_NANOS));
            more = !deadKeysKnown && !gate.crowded();
        }
    }

    // --- Fresh -----------------------------------------------------------------------------------------------------

    private int fresh() {
        long now = clock.getAsLong();
        if (now - nextFetchAt < 0 || !hasRoom() || gate.crowded()) {
            return 0;
        }
        List<Pending> events = journal.fetch(highest, limit, roomBytes());
        long end = clock.getAsLong();
        for (Pending event : events) {
            gaps.seen(highest, event.id());
            highest = event.id();
            lowest = Math.min(lowest, event.id());
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
        } else if (found > 0 && gate.bytes() > settings.windowBytes() / 2) { // the others did not fit
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

    // --- Woken -----------------------------------------------------------------------------------------------------

    private int wake() {
        long now = clock.getAsLong();
        if (!hasRoom()) {
            return 0;
        }
        List<Long> ids = gate.wake(now, Math.min(settings.batch(), room()));
        if (ids.isEmpty()) {
            return 0;
        }
        Loaded loaded;
        try {
            loaded = load(ids);
        } catch (RuntimeException e) {
            gate.wakeLater(ids, now);
            throw e;
        }
        long end = clock.getAsLong();
        List<Long> later = new ArrayList<>();
        for (Long id : ids) {
            PendingEvent event = loaded.events().get(id);
            if (event != null) {
                gate.admitWoken(event, end);
            } else if (loaded.isGone(id)) {
                gate.wokenInVain(id, end);
            } else {
                later.add(id);
            }
        }
        gate.wakeLater(later, end);
        return loaded.events().size();
    }

    // --- Walk ------------------------------------------------------------------------------------------------------

    private int walk() {
        long now = clock.getAsLong();
        if (now - nextWalkAt < 0 || !hasRoom() || !(walking || gate.walk().isWanted())) {
            return 0;
        }
        if (!walking) {
            walking = true;
            walkCaughtSome = false;
            walkWork = 0;
            walkFrom = gate.walk().begin();
        }
        List<PendingMark> marks = journal.scan(walkFrom, highest, MARKS);
        List<PendingMark> wanted = new ArrayList<>();
        gate.walk().beginStep();
        int room = room();
        int walked = 0;
        for (PendingMark mark : marks) {
            if (wanted.size() == room) {
                break;
            }
            walkFrom = mark.id();
            walked++;
            if (gate.walk().wants(mark)) {
                wanted.add(mark);
            }
        }
        int came = takeLeft(wanted);
        long end = clock.getAsLong();
        gate.walk().endStep(end);
        walkCaughtSome |= came > 0;
        walkWork += end - now;
        if (walked == marks.size() && marks.size() < MARKS) {
            gate.walk().end();
            walking = false;
        } else if (!gate.walk().hasKeys()) {
            walking = false;
        }
        nextWalkAt = walking || walkCaughtSome
                ? end
                : end + Math.max(PATROL_GAP_NANOS / 2, Math.min(walkWork, LONGEST_REST_NANOS));
        return came;
    }

    private int takeLeft(List<PendingMark> wanted) {
        Loaded loaded;
        try {
            loaded = loadMarks(wanted);
        } catch (RuntimeException e) {
            gate.walk().breakOff();
            walking = false;
            throw e;
        }
        long end = clock.getAsLong();
        for (PendingMark mark : wanted) {
            PendingEvent event = loaded.events().get(mark.id());
            if (event != null) {
                gate.walk().admit(event);
            } else if (!loaded.isGone(mark.id())) {
                gate.walk().missed(mark, end);
            }
        }
        return loaded.events().size();
    }

    // --- Patrol ----------------------------------------------------------------------------------------------------

    private int patrol() {
        long now = clock.getAsLong();
        if (now - nextPatrolAt < 0 || !hasRoom()) {
            return 0;
        }
        long through = patrolThrough();
        List<PendingMark> marks = patrolFrom >= highest ? List.of() : journal.scan(patrolFrom, through, PATROL_MARKS);
        int came = takeStrays(marks, true);
        long end = clock.getAsLong();
        boolean full = marks.size() == PATROL_MARKS;
        patrolFrom = full ? marks.get(PATROL_MARKS - 1).id() : through;
        boolean roundOver = patrolFrom >= highest;
        adaptSpan(end - now, full);
        patrolWork += end - now;
        // A process that was paused in the middle has not been busy for so long.
        long rest = Math.min(restFactor() * (end - now), LONGEST_REST_NANOS);
        if (roundOver) {
            patrolFrom = Long.MIN_VALUE;
            lastRoundWork = Math.min(patrolWork, PATROL_ROUND_NANOS);
            patrolWork = 0;
            // Not more often than the outbox is polled.
            rest = Math.max(rest, Math.max(PATROL_GAP_NANOS, pollNanos));
        }
        nextPatrolAt = end + rest;
        return came;
    }

    /** The first step of a round also looks at what lies below all that was read. */
    private long patrolThrough() {
        long from = Math.max(patrolFrom, lowest);
        long through = from + patrolSpan;
        return through < from ? highest : Math.min(highest, through);
    }

    /** A twentieth of the time when a round is short; more when it would take longer than some seconds otherwise. */
    private long restFactor() {
        long work = Math.max(lastRoundWork, patrolWork);
        return work == 0 ? 19 : Math.min(19, Math.max(1, PATROL_ROUND_NANOS / work - 1));
    }

    /** A step over rows that a long transaction keeps from being cleaned up takes long though it finds nothing. */
    private void adaptSpan(long took, boolean full) {
        if (took > SLOW_NANOS && !full) {
            patrolSpan = Math.max(MARKS, patrolSpan / 2);
        } else if (took < QUICK_NANOS && !full) {
            patrolSpan = Math.min(patrolSpan * 4, 1L << 60);
        }
    }

    /**
     * New events that are below the highest id and in no gap: either they were put back, or the table's ids began again,
     * after a TRUNCATE or when it was restored.
     */
    private void startAgainIfIdsWentBack() {
        long lastId = journal.lastId().orElse(Long.MIN_VALUE);
        if (lastId < highest) {
            highest = lastId;
            gaps.reopen(lastId);
            patrolFrom = Long.MIN_VALUE;
            listener.idsWentBack(outbox, lastId);
        }
    }

    // --- Behind ----------------------------------------------------------------------------------------------------

    private boolean isLookDue() {
        return provable && !gaps.isEmpty() && clock.getAsLong() - nextLookAt >= 0;
    }

    /** Looks whether gaps were filled meanwhile, to the end of each. */
    private int lookBehind(boolean busy) {
        if (gaps.isEmpty()) {
            return 0;
        }
        int came = 0;
        List<IdRange> ranges = gaps.ranges();
        for (int from = 0; from < ranges.size(); from += RANGES) {
            came += readAgain(new ArrayList<>(ranges.subList(from, Math.min(ranges.size(), from + RANGES))));
        }
        gaps.looked();
        long now = clock.getAsLong();
        if (now - nextListAt >= 0 && !gaps.isEmpty()) {
            list(now);
        }
        lookGap = busy || came > 0 ? FIRST_LOOK_NANOS : Math.min(2 * lookGap, LONGEST_LOOK_NANOS);
        nextLookAt = now + lookGap;
        return came;
    }

    private int readAgain(List<IdRange> ranges) {
        int came = 0;
        List<IdRange> left = ranges;
        while (!left.isEmpty()) {
            List<PendingMark> marks = journal.scan(left, MARKS);
            came += takeStrays(marks, false);
            left = marks.size() < MARKS
                    ? List.of()
                    : above(left, marks.get(MARKS - 1).id());
        }
        return came;
    }

    private static List<IdRange> above(List<IdRange> ranges, long id) {
        List<IdRange> above = new ArrayList<>();
        for (IdRange range : ranges) {
            if (range.last() > id) {
                above.add(range.first() > id ? range : new IdRange(id + 1, range.last()));
            }
        }
        return above;
    }

    /** A late list is as good as an early one, so the costs decide how often. */
    private void list(long now) {
        Writers writers = journal.writers();
        long end = clock.getAsLong();
        provable = writers != null;
        if (writers != null) {
            gaps.listed(writers);
        }
        nextListAt = end + (writers == null ? LONGEST_LOOK_NANOS : Math.max(FIRST_LOOK_NANOS, 10 * (end - now)));
    }

    private int takeStrays(List<PendingMark> marks, boolean onPatrol) {
        long now = clock.getAsLong();
        List<PendingMark> wanted = new ArrayList<>();
        boolean unexpected = false;
        for (PendingMark mark : marks) {
            boolean inGap = gaps.contains(mark.id());
            gaps.filled(mark.id());
            if (gate.wantsStray(mark, now)) {
                wanted.add(mark);
                unexpected |= !inGap;
            }
        }
        if (wanted.isEmpty()) {
            return 0;
        }
        int room = Math.min(wanted.size(), room());
        Loaded loaded;
        try {
            loaded = loadMarks(wanted.subList(0, room));
        } catch (RuntimeException e) {
            wanted.forEach(mark -> gate.missed(mark.key(), mark.id(), now));
            throw e;
        }
        for (int i = 0; i < wanted.size(); i++) {
            PendingMark mark = wanted.get(i);
            PendingEvent event = loaded.events().get(mark.id());
            if (event != null) {
                gate.admit(event, now);
            } else if (i >= room || !loaded.isGone(mark.id())) {
                gate.missed(mark.key(), mark.id(), now);
            }
        }
        if (onPatrol && unexpected) {
            startAgainIfIdsWentBack();
        }
        return loaded.events().size();
    }

    // --- Loading ---------------------------------------------------------------------------------------------------

    /** What came when events were asked for by their ids; when it did not fit, those with the highest ids are missing. */
    private record Loaded(TreeMap<Long, PendingEvent> events) {
        /** Whether an event that did not come is certainly not pending any more. */
        boolean isGone(long id) {
            return events.isEmpty() || id < events.lastKey();
        }
    }

    private Loaded loadMarks(List<PendingMark> marks) {
        return load(marks.stream().map(PendingMark::id).toList());
    }

    private Loaded load(List<Long> ids) {
        TreeMap<Long, PendingEvent> byId = new TreeMap<>();
        if (!ids.isEmpty()) {
            journal.load(ids, roomBytes()).forEach(event -> byId.put(event.id(), event));
        }
        return new Loaded(byId);
    }
}
