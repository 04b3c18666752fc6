package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.Journal.UnconsumedEvent;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class UnconsumedWatchTest {
    private static final UnconsumedEvent EVENT = new UnconsumedEvent(1, "e", 0);

    /** A journal with full batches of unconsumed events, of which a receipt changes as many as it is told. */
    private static PumpParts parts(List<Integer> changes, AtomicInteger rounds) {
        Journal journal = (Journal) Proxy.newProxyInstance(
                Journal.class.getClassLoader(), new Class<?>[] {Journal.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("receive")) {
                        return changes.get(Math.min(rounds.getAndIncrement(), changes.size() - 1));
                    }
                    return arguments.length == 1
                            ? new Journal.Unconsumed(5_000, Duration.ofHours(1))
                            : new ArrayList<>(Collections.nCopies((Integer) arguments[1], EVENT));
                });
        return new PumpParts(
                OutboxDefinition.of("orders", Route.to("t"), "t").withReceipts(),
                journal,
                new LocalBroker(),
                MessageFormat.RAW,
                OutboxPolicy.defaults()
                        .withRetry(RetryPolicy.fixed(Duration.ZERO, 3))
                        .withConsumedWithin(Duration.ofMinutes(1), true),
                RelaySettings.defaults(),
                RelayListener.NONE,
                Runnable::run,
                () -> 0,
                new Random(1));
    }

    @Test
    void itGoesOnWhileThereIsMore() {
        AtomicInteger rounds = new AtomicInteger();
        assertThat(new UnconsumedWatch(parts(List.of(1000, 1000, 0), rounds)).runOnce(() -> true))
                .isEqualTo(2000);
        assertThat(rounds).hasValue(3);
    }

    @Test
    void whatNoReceiptChangesIsNotAskedForOverAndOver() {
        AtomicInteger rounds = new AtomicInteger();
        assertThat(new UnconsumedWatch(parts(List.of(0), rounds)).runOnce(() -> rounds.get() < 10))
                .isZero();
        assertThat(rounds).hasValue(1);
    }
}
