package dev.posthaste.rabbitmq;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Remembers the messages that were unconfirmed when RabbitMQ closed their channel or connection because of one of them.
 * Which one it was is not known, so each is sent alone when it is published again; if the channel closes again, the message
 * that was alone is the cause.
 *
 * <p>A suspect that is not published again is forgotten after ten minutes, or when there are more than {@code max}, the
 * oldest first. Thread-safe.
 */
final class Suspects {
    private static final long REMEMBERED_NANOS = 600_000_000_000L;

    /** What a suspect must not share with other unconfirmed messages. */
    enum Scope {
        CHANNEL,
        CONNECTION
    }

    private record Suspect(Scope scope, long since) {}

    private final int max;
    private final Map<String, Suspect> suspects = new LinkedHashMap<>(); // guarded by this
    private volatile boolean empty = true;

    Suspects(int max) {
        this.max = max;
    }

    /** Whether one of them must not share the connection. */
    boolean anyAloneOnConnection() {
        if (empty) {
            return false;
        }
        synchronized (this) {
            return suspects.values().stream().anyMatch(suspect -> suspect.scope() == Scope.CONNECTION);
        }
    }

    synchronized void add(Publication publication, Scope scope) {
        suspects.remove(publication.identity()); // so that it becomes the youngest
        suspects.put(publication.identity(), new Suspect(scope, System.nanoTime()));
        Iterator<Suspect> oldest = suspects.values().iterator();
        while (suspects.size() > max) {
            oldest.next();
            oldest.remove();
        }
        empty = false;
    }

    /** What the message must not share, or null if it is not a suspect. */
    @Nullable
    Scope scope(Publication publication) {
        if (empty) {
            return null;
        }
        synchronized (this) {
            Suspect suspect = suspects.get(publication.identity());
            if (suspect != null && System.nanoTime() - suspect.since() > REMEMBERED_NANOS) {
                clear(publication);
                return null;
            }
            return suspect == null ? null : suspect.scope();
        }
    }

    /** The message has been confirmed or refused individually. */
    void clear(Publication publication) {
        if (!empty) {
            synchronized (this) {
                suspects.remove(publication.identity());
                empty = suspects.isEmpty();
            }
        }
    }
}
