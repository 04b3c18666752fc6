package dev.posthaste.kafka;

import java.time.Duration;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * A topic: what is known about it, what waits to be sent to it, and what is in flight. Confined to the publisher's
 * thread.
 */
final class Destination {
    final String topic;
    /** In the order in which they came. */
    final ArrayDeque<Publication> waiting = new ArrayDeque<>();

    final InFlightWindow window;

    @Nullable
    TopicInfo known;

    /** Whether {@link #known} is current enough to send by; a failure ends that, an answer restores it. */
    boolean trusted;

    /** Whether the client would have blocked, because it lacked metadata or room; it is tried again a moment later. */
    boolean hindered;
    /** Whether it was room that was missing, not metadata. */
    boolean noRoom;

    boolean asking;
    /** Which question is open: late answers to earlier ones are ignored. */
    long question;

    long askedAt;

    Destination(String topic, Duration patience) {
        this.topic = topic;
        this.window = new InFlightWindow(patience);
    }
}
