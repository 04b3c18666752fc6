package dev.posthaste.inbox;

import dev.posthaste.broker.Delivery;
import java.util.function.Consumer;

/** Whose turn it is, lane by lane. */
interface Turns {
    /** Makes an attempt at the head of a lane, later and on a thread that may wait. */
    void run(Attempt head, long delayMillis);

    /**
     * An attempt that was begun waits from now on, without a thread: its broker is notified before anything can begin
     * it again.
     */
    void ended(Attempt attempt);

    /** Answers the head of a lane and starts the one behind it. */
    void next(Attempt head, Consumer<Delivery> answer);
}
