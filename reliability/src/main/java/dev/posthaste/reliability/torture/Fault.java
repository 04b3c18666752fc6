package dev.posthaste.reliability.torture;

import java.time.Duration;

/**
 * A kind of fault.
 *
 * @param of what it affects; two faults of the same thing do not overlap
 * @param least the shortest time from its beginning to its end
 * @param most the longest
 */
record Fault(String kind, String of, Duration least, Duration most, Action begin, Action end) {
    Fault(String kind, String of, Duration most, Action begin, Action end) {
        this(kind, of, most.dividedBy(4), most, begin, end);
    }

    /** An action that may fail. */
    @FunctionalInterface
    interface Action {
        void run() throws Exception;
    }

    /** A fault that is over as soon as it has happened. */
    static Fault atOnce(String kind, String of, Action action) {
        return new Fault(kind, of, Duration.ZERO, action, () -> {});
    }
}
