package dev.posthaste.kafka;

import java.time.Duration;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/** What is known of a topic, what waits to be sent to it, and what is on its way. Confined to the publisher's thread. */
final class Destination {
    final String topic;
    /** In the order in which they came. */
    final ArrayDeque<Publication> waiting = new ArrayDeque<>();

    final InFlightWindow window;
    TopicLookup.@Nullable Answer known;

    /** Whether {@link #known} is good enough to send by; a failure ends that, an answer restores it. */
    boolean trusted;

    /** Whether the client would have blocked, for want of metadata or of room; it is asked again a moment later. */
    boolean hindered;
    /** Whether it was room that was missing, not metadata. */
    boolean noRoom;

    boolean asking;
    /** Which question is open: a late answer to an earlier one is of no interest. */
    long question;

    long askedAt;

    Destination(String topic, Duration patience) {
        this.topic = topic;
        this.window = new InFlightWindow(patience);
    }
}
