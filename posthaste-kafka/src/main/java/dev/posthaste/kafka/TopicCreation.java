package dev.posthaste.kafka;

import dev.posthaste.Route;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates the topics of the routes that a broker is told of, if its settings say so; otherwise it does nothing. What fails
 * is tried again until the broker is closed.
 *
 * <p>One thread ({@code posthaste-kafka-topics}), which is started for the first route. Thread-safe.
 */
final class TopicCreation implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(KafkaBroker.class);
    private static final long FIRST_WAIT_MILLIS = 500;
    private static final long MAX_WAIT_MILLIS = 30_000;
    private static final long CLOSE_MILLIS = 1_000;
    private static final String NOT_TRIED = "";

    private final KafkaSettings settings;
    private final Thread thread = new Thread(this::work, "posthaste-kafka-topics");
    private final Set<Route> routes = new HashSet<>(); // guarded by this, as the next three
    /** Those that have not been created, each with the reason. */
    private final Map<Route, String> missing = new LinkedHashMap<>();

    private boolean started;
    private boolean closed;

    TopicCreation(KafkaSettings settings) {
        this.settings = settings;
        thread.setDaemon(true);
    }

    /** Creates what is missing of this route, once; returns at once. */
    synchronized void add(Route route) {
        if (!settings.createsTopics() || closed || !routes.add(route)) {
            return;
        }
        missing.put(route, NOT_TRIED);
        if (!started) {
            started = true;
            thread.start();
        }
        notifyAll();
    }

    /** Why a topic that is to be created is not there, or null if none is to be. */
    synchronized @Nullable String missing(String topic) {
        for (Map.Entry<Route, String> each : missing.entrySet()) {
            if (each.getKey().destination().equals(topic)) {
                String why = each.getValue();
                return why.equals(NOT_TRIED)
                        ? "topic " + topic + " is being created"
                        : "topic " + topic + " could not be created: " + why;
            }
        }
        return null;
    }

    /** Waits until the route's topics are there, or the first attempt at creating them failed. */
    synchronized void awaitAttempt(Route route, BooleanSupplier stop) throws InterruptedException {
        while (NOT_TRIED.equals(missing.get(route)) && !closed && !stop.getAsBoolean()) {
            wait(50);
        }
    }

    private void work() {
        long wait = FIRST_WAIT_MILLIS;
        try {
            for (List<Route> next = next(); !next.isEmpty(); next = next()) {
                boolean all = true;
                for (Route route : next) {
                    all &= create(route, wait);
                }
                if (!all) {
                    pause(wait);
                }
                wait = all ? FIRST_WAIT_MILLIS : Math.min(2 * wait, MAX_WAIT_MILLIS);
            }
        } catch (InterruptedException e) {
            // The broker is closed.
        }
    }

    /** Waits until there is something to create; empty when the broker is closed. */
    private synchronized List<Route> next() throws InterruptedException {
        while (missing.isEmpty() && !closed) {
            wait();
        }
        return closed ? List.of() : List.copyOf(missing.keySet());
    }

    private boolean create(Route route, long wait) throws InterruptedException {
        String failure = null;
        try {
            KafkaTopics.create(settings, settings.partitions(), settings.replicas(), route);
        } catch (Throwable e) { // whatever it is, it must not end the thread
            failure = String.valueOf(e.getMessage());
        }
        synchronized (this) {
            if (closed) {
                throw new InterruptedException();
            }
            if (failure == null) {
                missing.remove(route);
            } else {
                missing.put(route, failure);
                log.warn(
                        "Kafka at {}: the topics of {} could not be created; next try in {} ms: {}",
                        settings.bootstrapServers(),
                        route,
                        wait,
                        failure);
            }
            notifyAll();
        }
        return failure == null;
    }

    private synchronized void pause(long millis) throws InterruptedException {
        if (!closed && !missing.containsValue(NOT_TRIED)) {
            wait(millis);
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
