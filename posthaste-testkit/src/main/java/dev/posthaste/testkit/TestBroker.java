package dev.posthaste.testkit;

import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A broker without a server: it records what is published, and fails on request. Thread-safe. */
public final class TestBroker implements Broker {
    private final Consumer<Message> subscriber;
    private final List<Message> messages = new ArrayList<>(); // guarded by this, like the next
    private final Map<String, Integer> rejections = new HashMap<>();
    private boolean unavailable;

    private TestBroker(Consumer<Message> subscriber) {
        this.subscriber = subscriber;
    }

    /** One that accepts everything, and hands it to no one. */
    public static TestBroker create() {
        return to(message -> {});
    }

    /** One that passes what it accepts to {@code subscriber}, which does not throw. */
    static TestBroker to(Consumer<Message> subscriber) {
        return new TestBroker(subscriber);
    }

    /**
     * Refuses the next messages of a type, like a broker that may accept them later. Each refusal counts as an attempt.
     *
     * @param times how many; 0 cancels what was set before
     */
    public synchronized void rejects(String eventType, int times) {
        if (times < 0) {
            throw new IllegalArgumentException("A broker cannot reject " + times + " times");
        }
        rejections.put(eventType, times);
    }

    /**
     * Whether it cannot be reached: nothing is accepted, and no attempt is counted. It can be reached unless set
     * otherwise.
     */
    public synchronized void unavailable(boolean unavailable) {
        this.unavailable = unavailable;
    }

    /** What was published, in this order: everything except what was refused or came while it was unavailable. */
    public synchronized List<Message> messages() {
        return List.copyOf(messages);
    }

    @Override
    public void publish(Message message, Consumer<Outcome> callback) {
        Outcome outcome = take(message);
        if (outcome instanceof Outcome.Acknowledged) {
            subscriber.accept(message);
        }
        callback.accept(outcome);
    }

    private synchronized Outcome take(Message message) {
        if (unavailable) {
            return Outcome.unavailable("the test made its broker unavailable");
        }
        String type = String.valueOf(message.eventType());
        int left = rejections.getOrDefault(type, 0);
        if (left > 0) {
            rejections.put(type, left - 1);
            return Outcome.rejected("the test made its broker reject events of type " + type);
        }
        messages.add(message);
        return Outcome.acknowledged();
    }

    @Override
    public synchronized boolean healthy() {
        return !unavailable;
    }

    /** Does nothing: what was published can still be read. */
    @Override
    public void close() {}

    /** For the next test. */
    synchronized void reset() {
        messages.clear();
        rejections.clear();
        unavailable = false;
    }
}
