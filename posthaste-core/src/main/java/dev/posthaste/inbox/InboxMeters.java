package dev.posthaste.inbox;

import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A consumer's meters: {@code posthaste.inbox.*}, tagged with the consumer. Thread-safe. */
public final class InboxMeters implements InboxListener {
    private final MeterRegistry registry;
    private final Map<String, Timer> timers = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> unavailable = new ConcurrentHashMap<>();

    private InboxMeters(MeterRegistry registry) {
        this.registry = registry;
    }

    public static InboxMeters of(MeterRegistry registry) {
        return new InboxMeters(registry);
    }

    @Override
    public void handled(String consumer, Message message, Duration took) {
        timers.computeIfAbsent(
                        consumer,
                        name -> Timer.builder("posthaste.inbox.handled")
                                .tag("consumer", name)
                                .publishPercentileHistogram()
                                .register(registry))
                .record(took);
    }

    @Override
    public void duplicate(String consumer, Message message) {
        registry.counter("posthaste.inbox.duplicate", "consumer", consumer).increment();
    }

    @Override
    public void ignored(String consumer, Message message) {
        registry.counter("posthaste.inbox.ignored", "consumer", consumer).increment();
    }

    @Override
    public void retried(String consumer, Message message, Throwable cause) {
        registry.counter("posthaste.inbox.retried", "consumer", consumer).increment();
    }

    @Override
    public void postponed(String consumer, Message message, Throwable cause) {
        registry.counter("posthaste.inbox.postponed", "consumer", consumer).increment();
    }

    @Override
    public void unavailable(String consumer, Throwable cause) {
        unavailable(consumer).set(1);
    }

    @Override
    public void available(String consumer, Duration after) {
        unavailable(consumer).set(0);
    }

    private AtomicInteger unavailable(String consumer) {
        return unavailable.computeIfAbsent(consumer, name -> {
            AtomicInteger state = new AtomicInteger();
            registry.gauge("posthaste.inbox.unavailable", Tags.of("consumer", name), state);
            return state;
        });
    }

    @Override
    public void redelivered(String consumer, Message message, Failure failure) {
        registry.counter("posthaste.inbox.redelivered", "consumer", consumer).increment();
    }

    @Override
    public void died(String consumer, Message message, Failure failure) {
        registry.counter("posthaste.inbox.dead", "consumer", consumer).increment();
    }

    @Override
    public void deadLettered(String consumer, Message message, Failure failure) {
        registry.counter("posthaste.inbox.dead.lettered", "consumer", consumer).increment();
    }
}
