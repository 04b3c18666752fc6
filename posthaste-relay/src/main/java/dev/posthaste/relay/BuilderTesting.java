package dev.posthaste.relay;

import dev.posthaste.relay.internal.ManualRelay;
import dev.posthaste.relay.internal.RelaySettings;
import dev.posthaste.relay.internal.RelayTesting;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/** Gives tests access to what a builder does not offer to applications. */
final class BuilderTesting extends RelayTesting {
    @Override
    protected void setMeasureEvery(Relay.Builder builder, Duration interval) {
        builder.measureEvery = RelaySettings.requireTime("measureEvery", interval, 1);
    }

    @Override
    protected void setClock(Relay.Builder builder, LongSupplier clock) {
        builder.clock = clock;
    }

    @Override
    protected void setRandom(Relay.Builder builder, RandomGenerator random) {
        builder.random = random;
    }

    @Override
    protected ManualRelay buildManual(Relay.Builder builder, Executor settler) {
        return builder.manual(settler);
    }
}
