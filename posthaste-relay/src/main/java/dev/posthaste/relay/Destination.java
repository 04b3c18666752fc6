package dev.posthaste.relay;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A topic or exchange as the pump sees it: whether it answers, and how much may be in flight to it. Each destination has
 * its own, so that a slow or unavailable one delays only its own events. Confined to the pump's thread.
 *
 * <p>How much may be in flight follows what got through recently: it begins with 64 events and 1 MiB, doubles while
 * answers come within half a second, and halves when they take longer than a second or stay out. When nothing that was
 * dispatched is being answered, a circuit breaker opens: after a pause one event probes, and the others follow when it
 * is answered.
 */
final class Destination {
    /** What has to wait longer than this leaves memory. */
    static final long LONG_NANOS = 1_000_000_000L;

    private static final long QUICK_NANOS = 500_000_000L;
    private static final long SLOW_NANOS = 1_000_000_000L;
    private static final int FIRST_EVENTS = 64;
    private static final long FIRST_BYTES = 1 << 20;
    private static final int LOWEST_LEVEL = -2;
    private static final int HIGHEST_LEVEL = 6;
    private static final long FIRST_PAUSE_UNANSWERED = 10_000_000L;
    private static final long MAX_PAUSE_UNANSWERED = 10_000_000_000L;
    private static final long FIRST_PAUSE_UNAVAILABLE = 100_000_000L;
    private static final long MAX_PAUSE_UNAVAILABLE = 30_000_000_000L;

    /** The lanes whose head goes here, in the order in which they became ready. Belongs to the gate. */
    final Deque<Lane> ready = new ArrayDeque<>();

    private final int index;
    private final int mostEvents;
    private final boolean paced;

    private int inFlight;
    private long bytesInFlight;
    private int level;
    private boolean cut;
    private long cutAt;
    private int quick;

    private int failures;
    private long openedAt;
    private long openUntil;
    private boolean probing;
    private boolean unavailable;
    private boolean everAnswered;
    private long answeredAt;

    /**
     * @param index the destination's number
     * @param mostEvents how many events may be in flight at most
     * @param paced whether the time that an answer takes says something about the broker
     */
    Destination(int index, int mostEvents, boolean paced) {
        this.index = index;
        this.mostEvents = mostEvents;
        this.paced = paced;
    }

    int index() {
        return index;
    }

    // --- How much it may have ----------------------------------------------------------------------------------------

    boolean allows(long now) {
        if (failures > 0) {
            return !probing && now - openUntil >= 0;
        }
        return inFlight < limit() && (inFlight == 0 || bytesInFlight < limitBytes());
    }

    /** How many events may be in flight. */
    int limit() {
        return paced ? (int) Math.min(mostEvents, shifted(FIRST_EVENTS)) : mostEvents;
    }

    private long limitBytes() {
        return paced ? shifted(FIRST_BYTES) : Long.MAX_VALUE;
    }

    private long shifted(long first) {
        return level < 0 ? first >> -level : first << level;
    }

    boolean open() {
        return failures > 0;
    }

    /** When the next probe may be sent. */
    long openUntil() {
        return probing ? Long.MAX_VALUE : openUntil;
    }

    /** Whether the broker reported that it accepts nothing now. */
    boolean unavailable() {
        return unavailable;
    }

    /** Whether its events would fill the memory that others need: it has been unavailable for long, or is slow. */
    boolean holdsUp(long now) {
        return failures > 0 ? now - openedAt >= LONG_NANOS : cut && level <= 0;
    }

    // --- What happened -----------------------------------------------------------------------------------------------

    void dispatched(long bytes) {
        inFlight++;
        bytesInFlight += bytes;
        probing = failures > 0;
    }

    private void came(long bytes) {
        inFlight--;
        bytesInFlight -= bytes;
    }

    /** The broker accepted it or refused it. */
    void answered(long bytes, long dispatchedAt, long now) {
        came(bytes);
        failures = 0;
        probing = false;
        unavailable = false;
        everAnswered = true;
        answeredAt = now;
        long took = now - dispatchedAt;
        if (took > SLOW_NANOS) {
            cut(dispatchedAt, now);
        } else if (took < QUICK_NANOS) {
            quick++;
            if (quick >= limit() / 2 && level < HIGHEST_LEVEL) {
                level++;
                quick = 0;
            }
        }
    }

    /** No answer came. What was answered since it was dispatched shows whether the destination still answers. */
    void unanswered(long bytes, long dispatchedAt, long now) {
        came(bytes);
        cut(dispatchedAt, now);
        boolean answersOthers = everAnswered && answeredAt - dispatchedAt > 0;
        if (failures == 0 ? !answersOthers : isProbe(dispatchedAt)) {
            startOverUnless(!unavailable);
            unavailable = false;
            open(now, FIRST_PAUSE_UNANSWERED, MAX_PAUSE_UNANSWERED);
        }
    }

    /** The broker accepts nothing now. */
    void unavailable(long bytes, long dispatchedAt, long now) {
        came(bytes);
        cut(dispatchedAt, now);
        if (failures == 0 || isProbe(dispatchedAt)) {
            startOverUnless(unavailable);
            unavailable = true;
            open(now, FIRST_PAUSE_UNAVAILABLE, MAX_PAUSE_UNAVAILABLE);
        }
    }

    /** The pauses grow while the same happens again; they are of different lengths for what is unknown and unavailable. */
    private void startOverUnless(boolean same) {
        if (failures > 0 && !same) {
            failures = 1;
        }
    }

    private boolean isProbe(long dispatchedAt) {
        return dispatchedAt - openedAt > 0;
    }

    private void open(long now, long firstPause, long longestPause) {
        if (failures == 0) {
            openedAt = now;
        }
        openUntil = now + Math.min(firstPause << Math.min(failures, 20), longestPause);
        failures = Math.min(failures + 1, 1000);
        probing = false;
    }

    /** Once for all that was dispatched together. */
    private void cut(long dispatchedAt, long now) {
        if (!cut || dispatchedAt - cutAt >= 0) {
            cut = true;
            cutAt = now;
            quick = 0;
            level = Math.max(LOWEST_LEVEL, level - 1);
        }
    }
}
