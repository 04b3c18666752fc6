package dev.posthaste.testkit.internal;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** A monotonic clock that runs with the real one and can be pushed forward. Thread-safe. */
public final class SettableClock implements LongSupplier {
    private final AtomicLong ahead = new AtomicLong();

    @Override
    public long getAsLong() {
        return System.nanoTime() + ahead.get();
    }

    public void advance(Duration by) {
        ahead.addAndGet(by.toNanos());
    }
}
