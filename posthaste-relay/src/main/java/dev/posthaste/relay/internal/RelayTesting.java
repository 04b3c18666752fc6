package dev.posthaste.relay.internal;

import dev.posthaste.relay.Relay;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * What tests and simulations set on a relay's builder, and applications never: time, chance, how often it measures, and
 * whether it has threads. {@link Relay.Builder} supplies it when it is loaded, so that none of it is visible there.
 */
public abstract class RelayTesting {
    private static final AtomicReference<RelayTesting> SUPPLIED = new AtomicReference<>();

    protected RelayTesting() {}

    /** Called once, by the builder's class. */
    public static void supply(RelayTesting testing) {
        SUPPLIED.set(testing);
    }

    private static RelayTesting supplied() {
        return Objects.requireNonNull(SUPPLIED.get()); // a builder exists, so its class has been loaded
    }

    /** How often the backlog, and what is not consumed, is measured; every 15 seconds when never called. */
    public static Relay.Builder measureEvery(Relay.Builder builder, Duration interval) {
        supplied().setMeasureEvery(builder, interval);
        return builder;
    }

    /** A monotonic clock in nanoseconds. */
    public static Relay.Builder clock(Relay.Builder builder, LongSupplier clock) {
        supplied().setClock(builder, clock);
        return builder;
    }

    /** What jitters retries; thread-safe if there is more than one outbox. */
    public static Relay.Builder random(Relay.Builder builder, RandomGenerator random) {
        supplied().setRandom(builder, random);
        return builder;
    }

    /** A relay that has no threads and moves only when it is called. */
    public static ManualRelay manual(Relay.Builder builder) {
        return manual(builder, Runnable::run);
    }

    /**
     * The same, with an executor for what it settles.
     *
     * @param settler must run what it is given one at a time and in order, now or later
     */
    public static ManualRelay manual(Relay.Builder builder, Executor settler) {
        return supplied().buildManual(builder, settler);
    }

    protected abstract void setMeasureEvery(Relay.Builder builder, Duration interval);

    protected abstract void setClock(Relay.Builder builder, LongSupplier clock);

    protected abstract void setRandom(Relay.Builder builder, RandomGenerator random);

    protected abstract ManualRelay buildManual(Relay.Builder builder, Executor settler);
}
