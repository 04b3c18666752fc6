package dev.posthaste.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Publishes as a relay does: repeats while the outcome is unknown or the broker is unavailable. */
final class Publishing implements AutoCloseable {
    private final Broker broker;
    private final ScheduledExecutorService again = Executors.newSingleThreadScheduledExecutor();
    private final Map<String, Outcome> outcomes = new ConcurrentHashMap<>();
    private final AtomicInteger open = new AtomicInteger();
    final AtomicInteger unknown = new AtomicInteger();
    final AtomicInteger secondAnswers = new AtomicInteger();

    Publishing(Broker broker) {
        this.broker = broker;
    }

    void publish(Message message) {
        open.incrementAndGet();
        send(message, 10);
    }

    private void send(Message message, long waitMillis) {
        AtomicInteger answers = new AtomicInteger();
        broker.publish(message, outcome -> {
            if (answers.incrementAndGet() > 1) {
                secondAnswers.incrementAndGet();
            } else if (outcome instanceof Outcome.Unknown || outcome instanceof Outcome.Unavailable) {
                if (outcome instanceof Outcome.Unknown) {
                    unknown.incrementAndGet();
                }
                again.schedule(() -> send(message, Math.min(waitMillis * 2, 500)), waitMillis, TimeUnit.MILLISECONDS);
            } else {
                outcomes.put(String.valueOf(message.eventId()), outcome);
                open.decrementAndGet();
            }
        });
    }

    Publishing awaitAll(Duration atMost) {
        await().atMost(atMost).pollInterval(Duration.ofMillis(20)).until(() -> open.get() == 0);
        assertThat(secondAnswers).hasValue(0);
        return this;
    }

    @org.jspecify.annotations.Nullable
    Outcome outcome(String id) {
        return outcomes.get(id);
    }

    List<String> acknowledged() {
        return outcomes.entrySet().stream()
                .filter(each -> each.getValue() == Outcome.acknowledged())
                .map(Map.Entry::getKey)
                .toList();
    }

    Collection<Outcome> rejected() {
        return outcomes.values().stream()
                .filter(Outcome.Rejected.class::isInstance)
                .toList();
    }

    @Override
    public void close() {
        again.shutdownNow();
    }
}
