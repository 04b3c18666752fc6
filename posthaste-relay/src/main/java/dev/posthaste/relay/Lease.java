package dev.posthaste.relay;

import dev.posthaste.internal.store.Claim;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One outbox's lease as this relay knows it. The relay counts its own remaining time on the monotonic clock, from before
 * it sent the renewal, so that it never relies on the lease for longer than the row says. Thread-safe.
 */
final class Lease {
    private final String outbox;
    private final LongSupplier clock;
    private volatile @Nullable Term term;
    private volatile boolean releasing;
    private volatile long workedOnAt;
    private volatile long restUntil;
    private volatile boolean rests;
    private volatile @Nullable String dispute;

    /** @param until on the monotonic clock */
    private record Term(Claim claim, long until) {}

    Lease(String outbox, LongSupplier clock) {
        this.outbox = outbox;
        this.clock = clock;
        this.workedOnAt = clock.getAsLong();
    }

    String outbox() {
        return outbox;
    }

    /** The claim that is held, or null. It may have run out meanwhile; only the database knows. */
    @Nullable
    Claim claim() {
        Term now = term;
        return now == null ? null : now.claim();
    }

    /**
     * Whether this very claim is held, and not a later one that equals it: epochs begin again when the lease's row has been
     * deleted.
     */
    boolean holds(Claim claim) {
        return isOf(term, claim);
    }

    @SuppressWarnings("ReferenceEquality") // see above
    private static boolean isOf(@Nullable Term term, Claim claim) {
        return term != null && term.claim() == claim;
    }

    /** Whether {@code claim} is held and will be for longer than {@code time}, unless this process is paused. */
    boolean outlasts(Claim claim, Duration time) {
        Term now = term;
        return now != null && isOf(now, claim) && now.until() - clock.getAsLong() > time.toNanos();
    }

    /** The thread that works with the lease is alive, and not stuck. */
    void workedOn() {
        workedOnAt = clock.getAsLong();
    }

    /** Whether that was reported within this time; a lease that no thread works with is not renewed. */
    boolean workedOnWithin(Duration time) {
        return clock.getAsLong() - workedOnAt <= time.toNanos();
    }

    /** This relay does not take the outbox before {@code time}: it has just failed there. */
    void restUntil(long time) {
        restUntil = time;
        rests = true;
    }

    boolean rests() {
        if (rests && clock.getAsLong() - restUntil >= 0) {
            rests = false;
        }
        return rests;
    }

    /** How another relay defines the outbox, if that differs from this relay's definition; or null. */
    @Nullable
    String dispute() {
        return dispute;
    }

    void dispute(@Nullable String other) {
        dispute = other;
    }

    /** Whether it is to be released as soon as nothing is at the broker. */
    boolean isReleasing() {
        return releasing;
    }

    void startRelease() {
        releasing = true;
    }

    /** @param asked when the database was asked, on the monotonic clock */
    void held(Claim claim, long asked, Duration ttl) {
        term = new Term(claim, asked + ttl.toNanos());
    }

    /** It is not held any more: lost, or released. */
    void ended() {
        term = null;
        releasing = false;
    }
}
