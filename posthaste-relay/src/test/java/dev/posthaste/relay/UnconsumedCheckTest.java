package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.RelaySettings;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class UnconsumedCheckTest {
    private static final Duration LIMIT = Duration.ofMinutes(1);

    private final TreeSet<Long> passedOver = new TreeSet<>();
    private final List<Long> republished = new ArrayList<>();
    private long now;
    private final UnconsumedCheck check = new UnconsumedCheck(parts());

    private OutboxRuntime parts() {
        ReceiptStore receipts = (ReceiptStore) Proxy.newProxyInstance(
                ReceiptStore.class.getClassLoader(),
                new Class<?>[] {ReceiptStore.class},
                (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "unconsumed" -> {
                            return new ReceiptStore.Unconsumed(passedOver.size(), Duration.ofHours(1));
                        }
                        case "passedOver" -> {
                            return passedOver.tailSet((Long) arguments[1], false).stream()
                                    .limit((Integer) arguments[2])
                                    .toList();
                        }
                        default -> {
                            republished.addAll((Collection<Long>) arguments[0]);
                            return Set.copyOf((Collection<Long>) arguments[0]);
                        }
                    }
                });
        OutboxStore never = (OutboxStore) Proxy.newProxyInstance(
                OutboxStore.class.getClassLoader(), new Class<?>[] {OutboxStore.class}, (proxy, method, arguments) -> {
                    throw new AssertionError(method.getName());
                });
        return new OutboxRuntime(
                OutboxDefinition.named("orders")
                        .route(Route.to("t"))
                        .types("t")
                        .tracked(true)
                        .retry(RetryPolicy.fixed(Duration.ZERO).attempts(3))
                        .consumedWithin(LIMIT)
                        .republishUnconsumed(true),
                never,
                receipts,
                LocalBroker.to(),
                RelaySettings.defaults(),
                EngineListener.NONE,
                Runnable::run,
                () -> now,
                new Random(1));
    }

    private int lookAfter(Duration wait) {
        now += wait.toNanos();
        return check.runOnce(() -> true);
    }

    @Test
    void eachCopyWaitsTwiceAsLongAsTheOneBeforeUpToADay() {
        passedOver.add(7L);
        assertThat(lookAfter(Duration.ZERO)).isZero();
        Duration wait = LIMIT;
        for (int copy = 0; copy < 15; copy++) {
            assertThat(lookAfter(wait.minusNanos(1))).as("before copy %d", copy).isZero();
            assertThat(lookAfter(Duration.ofNanos(1))).as("copy %d", copy).isEqualTo(1);
            wait = wait.multipliedBy(2).compareTo(Duration.ofDays(1)) > 0 ? Duration.ofDays(1) : wait.multipliedBy(2);
        }
        assertThat(wait).isEqualTo(Duration.ofDays(1));
        assertThat(republished).hasSize(15);
    }

    @Test
    void noMoreEventsArePublishedAgainThanAreRemembered() {
        LongStream.rangeClosed(1, UnconsumedCheck.MAX_REMEMBERED + 5).forEach(passedOver::add);
        assertThat(lookAfter(Duration.ZERO)).isZero();
        assertThat(lookAfter(LIMIT)).isEqualTo(UnconsumedCheck.MAX_REMEMBERED);
        assertThat(lookAfter(LIMIT)).isZero();
        assertThat(republished).doesNotHaveDuplicates();
    }

    @Test
    void whatIsConsumedMakesRoomForOthers() {
        LongStream.rangeClosed(1, UnconsumedCheck.MAX_REMEMBERED + 5).forEach(passedOver::add);
        lookAfter(Duration.ZERO);
        passedOver.headSet(UnconsumedCheck.MAX_REMEMBERED + 1L).clear();
        lookAfter(LIMIT.multipliedBy(3));
        lookAfter(LIMIT);
        assertThat(lookAfter(LIMIT)).isEqualTo(5);
    }

    @Test
    void itEndsWithItsRelay() {
        passedOver.add(7L);
        assertThat(lookAfter(Duration.ZERO)).isZero();
        now += LIMIT.toNanos();
        assertThat(check.runOnce(() -> false)).isZero();
    }
}
