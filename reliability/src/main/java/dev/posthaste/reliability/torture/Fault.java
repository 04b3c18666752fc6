package dev.posthaste.reliability.torture;

import java.time.Duration;

/**
 * A kind of fault.
 *
 * @param of what it is done to; two faults of the same are not done at once
 * @param least the shortest time between its beginning and its end
 * @param most the longest
 */
record Fault(String kind, String of, Duration least, Duration most, Action begin, Action end) {
    Fault(String kind, String of, Duration most, Action begin, Action end) {
        this(kind, of, most.dividedBy(4), most, begin, end);
    }

    /** What may fail while it is done. */
    @FunctionalInterface
    interface Action {
        void run() throws Exception;
    }

    /** One that is over as soon as it is done. */
    static Fault atOnce(String kind, String of, Action action) {
        return new Fault(kind, of, Duration.ZERO, action, () -> {});
    }
}
