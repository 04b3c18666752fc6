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

/** An inbox's meters: {@code posthaste.inbox.*}, tagged with the inbox. Thread-safe. */
public final class InboxMeters implements InboxListener {
    private final MeterRegistry registry;
    private final Map<String, Timer> timers = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> unavailable = new ConcurrentHashMap<>();

    private InboxMeters(MeterRegistry registry) {
        this.registry = registry;
    }

    /** Meters in this registry, each registered when it is first used. */
    public static InboxMeters of(MeterRegistry registry) {
        return new InboxMeters(registry);
    }

    @Override
    public void handled(String inbox, Message message, Duration took) {
        timers.computeIfAbsent(
                        inbox,
                        name -> Timer.builder("posthaste.inbox.handled")
                                .tag("inbox", name)
                                .publishPercentileHistogram()
                                .register(registry))
                .record(took);
    }

    @Override
    public void duplicate(String inbox, Message message) {
        registry.counter("posthaste.inbox.duplicate", "inbox", inbox).increment();
    }

    @Override
    public void ignored(String inbox, Message message) {
        registry.counter("posthaste.inbox.ignored", "inbox", inbox).increment();
    }

    @Override
    public void retried(String inbox, Message message, Throwable cause) {
        registry.counter("posthaste.inbox.retried", "inbox", inbox).increment();
    }

    @Override
    public void postponed(String inbox, Message message, Throwable cause) {
        registry.counter("posthaste.inbox.postponed", "inbox", inbox).increment();
    }

    @Override
    public void unavailable(String inbox, Throwable cause) {
        unavailable(inbox).set(1);
    }

    @Override
    public void available(String inbox, Duration after) {
        unavailable(inbox).set(0);
    }

    private AtomicInteger unavailable(String inbox) {
        return unavailable.computeIfAbsent(inbox, name -> {
            AtomicInteger state = new AtomicInteger();
            registry.gauge("posthaste.inbox.unavailable", Tags.of("inbox", name), state);
            return state;
        });
    }

    @Override
    public void redelivered(String inbox, Message message, Failure failure) {
        registry.counter("posthaste.inbox.redelivered", "inbox", inbox).increment();
    }

    @Override
    public void died(String inbox, Message message, Failure failure) {
        registry.counter("posthaste.inbox.dead", "inbox", inbox).increment();
    }

    @Override
    public void deadLettered(String inbox, Message message, Failure failure) {
        registry.counter("posthaste.inbox.dead.lettered", "inbox", inbox).increment();
    }
}
