package dev.posthaste.testkit.internal;

import dev.posthaste.Status;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.internal.store.ReceiptTarget;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.internal.store.Verdict;
import org.jspecify.annotations.Nullable;

/** An event of an {@link InMemoryStore}, and its outcome. Times are by the store's clock. Guarded by its store. */
public final class InMemoryEvent {
    final StoredRow stored;
    final @Nullable Integer maxAttempts;
    final long writtenAt;
    long dueAt;
    Status status = Status.PENDING;
    int attempts;
    int generation;

    @Nullable
    String error;

    @Nullable
    Long publishedAt;

    @Nullable
    Long consumedAt;
    /** When it got its status. */
    long changedAt;

    InMemoryEvent(StoredRow stored, @Nullable Integer maxAttempts, long writtenAt, long dueAt) {
        this.stored = stored;
        this.maxAttempts = maxAttempts;
        this.writtenAt = writtenAt;
        this.dueAt = dueAt;
        this.changedAt = writtenAt;
    }

    /** With one byte of payload, and {@code e-} and its position for an id. */
    public static InMemoryEvent of(long position, @Nullable String key, @Nullable String destination, long dueAt) {
        StoredRow stored =
                new StoredRow(position, "e-" + position, "t", "v1", key, destination, null, null, new byte[] {1});
        return new InMemoryEvent(stored, null, dueAt, dueAt);
    }

    public long id() {
        return stored.position();
    }

    public @Nullable String key() {
        return stored.key();
    }

    public Status status() {
        return status;
    }

    boolean is(Status one) {
        return status == one;
    }

    long bytes() {
        String headers = stored.headers();
        return stored.payload().length + (headers == null ? 0 : headers.length());
    }

    PendingRef ref(long now) {
        return new PendingRef(id(), key(), dueAt - now);
    }

    PendingEvent read(long now) {
        return new PendingEvent(stored, attempts, maxAttempts, generation, dueAt - now, now - writtenAt);
    }

    ReceiptTarget target() {
        return new ReceiptTarget(id(), stored.eventId(), status, attempts, maxAttempts, generation);
    }

    boolean countsWhatWasSeen(Verdict.Seen seen) {
        return attempts == seen.attempts() && (seen.generation() == null || seen.generation() == generation);
    }

    void become(Status next, long now) {
        status = next;
        changedAt = now;
    }

    void publish(long now) {
        become(Status.PUBLISHED, now);
        publishedAt = now;
    }

    void consume(long now) {
        become(Status.CONSUMED, now);
        consumedAt = now;
    }

    void refuse(Verdict.Refused refused, long now) {
        attempts = refused.attempts();
        error = refused.error();
        become(refused instanceof Verdict.Dead ? Status.DEAD : Status.PENDING, now);
        if (refused instanceof Verdict.Retry retry) {
            dueAt = now + retry.delay().toNanos();
        }
    }

    void putBack(long now) {
        become(Status.PENDING, now);
        dueAt = now;
    }

    void requeue(long now) {
        putBack(now);
        attempts = 0;
        generation++;
    }
}
