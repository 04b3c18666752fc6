package dev.posthaste.rabbitmq;

/**
 * What the publisher's thread is doing on a connection that may hang: waiting for the server's answer, or writing a
 * message. Set by that thread, read by any.
 */
final class PublisherActivity {
    private volatile long since;
    private volatile boolean writing;

    /** Begins something that waits for the server's answer. */
    void asking() {
        since = System.nanoTime() | 1; // never 0
    }

    void writing() {
        since = System.nanoTime() | 1;
        writing = true;
    }

    void over() {
        writing = false;
        since = 0;
    }

    /** When it began, on the clock of {@link System#nanoTime}; 0 for nothing. */
    long since() {
        return since;
    }

    boolean isWriting() {
        return writing;
    }
}
