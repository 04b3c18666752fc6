package dev.posthaste.rabbitmq;

import java.time.Duration;

/**
 * How many messages are unconfirmed on a connection, and for how long no confirm has come. Not thread-safe: every method
 * is called under the session's lock.
 */
final class ConfirmWindow {
    private final int size;
    private int unconfirmed;
    private boolean alone;
    private long quietSince;
    private boolean proven;

    /** @param size how many messages may be unconfirmed at once */
    ConfirmWindow(int size, long now) {
        this.size = size;
        this.quietSince = now;
    }

    int unconfirmed() {
        return unconfirmed;
    }

    boolean isEmpty() {
        return unconfirmed == 0;
    }

    boolean isFull() {
        return unconfirmed >= size;
    }

    /** Whether the unconfirmed message must be the only one on the connection. */
    boolean isAlone() {
        return alone;
    }

    /** Whether anything was confirmed on this connection. */
    boolean isProven() {
        return proven;
    }

    /** Whether messages are unconfirmed and no confirm came for longer than this time. */
    boolean isQuiet(long now, Duration time) {
        return unconfirmed > 0 && now - quietSince > time.toNanos();
    }

    long quietNanos(long now) {
        return now - quietSince;
    }

    /** One more message is unconfirmed. */
    void sending(boolean aloneOnConnection, long now) {
        if (unconfirmed == 0) {
            quietSince = now;
        }
        unconfirmed++;
        alone = aloneOnConnection;
    }

    /** This many messages are no longer unconfirmed. */
    void answered(int messages) {
        unconfirmed -= messages;
        if (messages > 0) {
            alone = false;
        }
    }

    /** The server confirmed this many messages; 0 if they had been answered before. */
    void confirmed(int messages, long now) {
        proven = true;
        quietSince = now;
        answered(messages);
    }

    /** The silence had a reason, which is over. */
    void unblocked(long now) {
        quietSince = now;
    }
}
