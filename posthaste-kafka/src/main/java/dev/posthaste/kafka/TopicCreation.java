package dev.posthaste.kafka;

import dev.posthaste.Route;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates the topics of the routes that a broker prepares or subscribes to, if its settings say so; otherwise it does
 * nothing. What fails is tried again until the broker is closed, each route at its own pace. A route that was never
 * tried goes before those that failed, because creating can take 90 s.
 *
 * <p>One thread ({@code posthaste-kafka-topics}), which is started for the first route. Thread-safe.
 */
final class TopicCreation implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(KafkaBroker.class);
    private static final long FIRST_WAIT_MILLIS = 500;
    private static final long MAX_WAIT_MILLIS = 30_000;
    private static final long MAX_ATTEMPT_WAIT_MILLIS = 5_000;
    private static final long CLOSE_MILLIS = 1_000;
    /** For this long after its creation a topic need not be found: a lookup may be older, or ask a broker that lags. */
    private static final long MAX_UNFOUND_MILLIS = 30_000;

    private final KafkaSettings settings;
    private final Consumer<Route> creator;
    private final Thread thread;
    private final Set<Route> routes = new HashSet<>(); // guarded by this, like the next four
    /** Those that have not been created. */
    private final Map<Route, Missing> missing = new LinkedHashMap<>();
    /** When a topic was created. */
    private final Map<String, Long> created = new HashMap<>();

    private boolean started;
    private boolean closed;

    /** @param failure null before the first attempt */
    private record Missing(@Nullable String failure, long waitMillis, long nextTry) {
        static Missing untried() {
            return new Missing(null, 0, System.nanoTime());
        }

        Missing failed(String why) {
            long wait = waitMillis == 0 ? FIRST_WAIT_MILLIS : Math.min(2 * waitMillis, MAX_WAIT_MILLIS);
            return new Missing(why, wait, System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(wait));
        }

        boolean isUntried() {
            return failure == null;
        }

        long nanosLeft() {
            return nextTry - System.nanoTime();
        }
    }

    TopicCreation(KafkaSettings settings) {
        this(
                settings,
                route -> KafkaTopics.create(settings, settings.partitions(), settings.replicas(), route),
                Thread::new);
    }

    /** @param creator creates what a route lacks, or throws; may block */
    TopicCreation(KafkaSettings settings, Consumer<Route> creator, ThreadFactory threads) {
        this.settings = settings;
        this.creator = creator;
        this.thread = threads.newThread(this::work);
        thread.setName("posthaste-kafka-topics");
        thread.setDaemon(true);
    }

    /** Creates what this route lacks, once; returns immediately. */
    synchronized void add(Route route) {
        if (!settings.createsTopics() || closed) {
            return;
        }
        if (routes.add(route)) {
            missing.put(route, Missing.untried());
            notifyAll();
        }
        if (!started) {
            thread.start(); // if the system refuses it, the next call tries again
            started = true;
        }
    }

    /**
     * Why a topic that is created here was not found: it does not exist yet, or has existed for a moment only. Null if it
     * should have been found, or is not created here.
     */
    synchronized @Nullable String missing(String topic) {
        for (Map.Entry<Route, Missing> each : missing.entrySet()) {
            if (each.getKey().destination().equals(topic)) {
                String why = each.getValue().failure();
                return why == null
                        ? "topic " + topic + " is being created"
                        : "topic " + topic + " could not be created: " + why;
            }
        }
        Long at = created.get(topic);
        return at != null && System.nanoTime() - at < TimeUnit.MILLISECONDS.toNanos(MAX_UNFOUND_MILLIS)
                ? "topic " + topic + " was created a moment ago, and Kafka does not find it yet"
                : null;
    }

    /** Waits until the route's topics exist, or the first attempt at creating them failed; at most 5 s. */
    synchronized void awaitAttempt(Route route, BooleanSupplier stop) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(MAX_ATTEMPT_WAIT_MILLIS);
        while (isUntried(route) && !closed && !stop.getAsBoolean() && System.nanoTime() - end < 0) {
            wait(50);
        }
    }

    private boolean isUntried(Route route) {
        Missing its = missing.get(route);
        return its != null && its.isUntried();
    }

    private void work() {
        try {
            for (Route next = next(); next != null; next = next()) {
                create(next);
            }
        } catch (InterruptedException e) {
            // The broker is closed.
        }
    }

    /** Waits until there is something to create; null when the broker is closed. */
    private synchronized @Nullable Route next() throws InterruptedException {
        while (!closed) {
            Map.Entry<Route, Missing> first = null;
            for (Map.Entry<Route, Missing> each : missing.entrySet()) {
                if (first == null || isBefore(each.getValue(), first.getValue())) {
                    first = each;
                }
            }
            if (first == null) {
                wait();
            } else if (first.getValue().isUntried() || first.getValue().nanosLeft() <= 0) {
                return first.getKey();
            } else {
                TimeUnit.NANOSECONDS.timedWait(this, first.getValue().nanosLeft());
            }
        }
        return null;
    }

    private static boolean isBefore(Missing one, Missing other) {
        return one.isUntried() != other.isUntried() ? one.isUntried() : one.nextTry() - other.nextTry() < 0;
    }

    private void create(Route route) throws InterruptedException {
        String failure = null;
        try {
            creator.accept(route);
        } catch (Throwable e) { // whatever it is, it must not end the thread
            failure = String.valueOf(e.getMessage());
        }
        synchronized (this) {
            if (closed) {
                throw new InterruptedException();
            }
            if (failure == null) {
                missing.remove(route);
                created.put(route.destination(), System.nanoTime());
            } else {
                Missing failed = missing.getOrDefault(route, Missing.untried()).failed(failure);
                missing.put(route, failed);
                log.warn(
                        "Kafka at {}: the topics of {} could not be created; next try in {} ms: {}",
                        settings.bootstrapServers(),
                        route,
                        failed.waitMillis(),
                        failure);
            }
            notifyAll();
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        thread.interrupt();
        try {
            thread.join(CLOSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
