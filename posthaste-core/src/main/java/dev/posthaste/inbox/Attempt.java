package dev.posthaste.inbox;

import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Message;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A delivery on its way through. Touched by one thread at a time: whoever runs the head of its lane, or its batch. */
final class Attempt {
    final Delivery delivery;
    final Object lane;

    /** The handler of batches that takes it; null if none does. */
    final @Nullable TypedHandler<?> batch;

    /** How many attempts were counted. */
    int count;

    int postponed;
    int unanswered;

    /** Whether it is handled in no batch: one failed that it was in. */
    volatile boolean alone;

    /** What the handler threw at its last attempt; its fallback runs from then on. */
    volatile @Nullable Throwable givenUp;

    volatile @Nullable InboxAnswer answer;

    /** The broker hears one answer, whoever gives it: the lane, a late receipt, or the inbox's close. */
    private final AtomicBoolean given = new AtomicBoolean();

    Attempt(Delivery delivery, @Nullable TypedHandler<?> batch) {
        this.delivery = delivery;
        this.lane = delivery.lane();
        this.batch = batch;
    }

    /** Whether the broker has no answer yet, so that the caller is to give it. */
    boolean mayGive() {
        return given.compareAndSet(false, true);
    }

    /** The broker has not taken the answer; it may be given again. */
    void notGiven() {
        given.set(false);
    }

    Message message() {
        return delivery.message();
    }

    boolean isForBatch() {
        return batch != null && !alone && answer == null;
    }
}
