package dev.posthaste.internal.admin;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** How a thread waits, and on which clock. {@link #REAL} is the JVM's; simulations have their own. */
public interface Waiting {
    Waiting REAL = new Waiting() {
        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public void sleep(long nanos) throws InterruptedException {
            TimeUnit.NANOSECONDS.sleep(nanos);
        }

        @Override
        public <T> @Nullable T poll(BlockingQueue<T> queue, long nanos) throws InterruptedException {
            return queue.poll(nanos, TimeUnit.NANOSECONDS);
        }
    };

    /** As {@link System#nanoTime}. */
    long nanoTime();

    void sleep(long nanos) throws InterruptedException;

    /** As {@link BlockingQueue#poll(long, TimeUnit)}. */
    <T> @Nullable T poll(BlockingQueue<T> queue, long nanos) throws InterruptedException;
}
