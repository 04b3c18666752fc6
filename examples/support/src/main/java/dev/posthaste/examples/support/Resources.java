package dev.posthaste.examples.support;

import java.util.ArrayDeque;
import java.util.Deque;

/** What an example has opened. Closing closes all of it in reverse order, and may be repeated. */
public final class Resources implements AutoCloseable {
    private final Deque<AutoCloseable> open = new ArrayDeque<>();

    public synchronized <T extends AutoCloseable> T opened(T resource) {
        open.push(resource);
        return resource;
    }

    @Override
    public synchronized void close() {
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (Exception e) {
                System.err.println("Error while stopping: " + e);
            }
        }
    }
}
