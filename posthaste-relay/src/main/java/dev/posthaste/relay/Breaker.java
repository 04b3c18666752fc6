package dev.posthaste.relay;

/**
 * Stops handing over while the broker cannot be reached, and probes with one event after 100 ms, 200 ms, … up to 30 s.
 * Confined to the pump's thread.
 */
final class Breaker {
    private static final long FIRST_NANOS = 100_000_000L;
    private static final long LONGEST_NANOS = 30_000_000_000L;

    private int failures;
    private long openUntil;
    private boolean probing;

    boolean open() {
        return failures > 0;
    }

    /** When the next probe may go, on the pump's clock. */
    long openUntil() {
        return openUntil;
    }

    /** Whether one event may be handed over now. */
    boolean allows(long now) {
        return failures == 0 || (!probing && now - openUntil >= 0);
    }

    void handedOver() {
        probing = failures > 0;
    }

    /** @return whether this changed anything: the broker is back */
    boolean answered() {
        boolean wasOpen = open();
        failures = 0;
        probing = false;
        return wasOpen;
    }

    /** The probe, or one of the last events before the breaker opened, got no answer: the next one may probe. */
    void unanswered() {
        probing = false;
    }

    /** @return whether this changed anything: the broker went away */
    boolean unavailable(long now) {
        boolean wasClosed = !open();
        if (wasClosed || probing) {
            openUntil = now + Math.min(FIRST_NANOS << Math.min(failures, 20), LONGEST_NANOS);
            failures = Math.min(failures + 1, 1000);
        }
        probing = false;
        return wasClosed;
    }
}
