package dev.posthaste.testkit.internal;

import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A broker that remembers what it was given and answers as instructed: immediately, or later on demand. Thread-safe.
 *
 * <p>What was <em>acknowledged</em> counts as arrived; everything handed over is listed in {@link #attempts}.
 */
public final class RecordingBroker implements Broker {
    private final List<Message> attempts = new ArrayList<>();
    private final List<Message> arrived = new ArrayList<>();
    private final List<Open> open = new ArrayList<>();
    private Function<Message, Outcome> answer = message -> Outcome.acknowledged();
    private boolean holding;

    private record Open(Message message, Consumer<Outcome> callback) {}

    /** From now on gives the answers of {@code answer}. */
    public synchronized RecordingBroker answering(Function<Message, Outcome> answer) {
        this.answer = answer;
        return this;
    }

    /** From now on answers nothing until {@link #release}. */
    public synchronized void hold() {
        holding = true;
    }

    /** Answers everything that was held, in the order it came, and from now on answers immediately. */
    public void release() {
        List<Open> answers;
        synchronized (this) {
            holding = false;
            answers = new ArrayList<>(open);
            open.clear();
        }
        answers.forEach(each -> answer(each.message(), each.callback()));
    }

    @Override
    public void publish(Message message, Consumer<Outcome> callback) {
        synchronized (this) {
            attempts.add(message);
            if (holding) {
                open.add(new Open(message, callback));
                return;
            }
        }
        answer(message, callback);
    }

    private void answer(Message message, Consumer<Outcome> callback) {
        Outcome outcome;
        synchronized (this) {
            outcome = answer.apply(message);
            if (outcome instanceof Outcome.Acknowledged) {
                arrived.add(message);
            }
        }
        callback.accept(outcome);
    }

    /** Everything that was handed over, in order. */
    public synchronized List<Message> attempts() {
        return List.copyOf(attempts);
    }

    /** Everything that was acknowledged, in order. */
    public synchronized List<Message> arrived() {
        return List.copyOf(arrived);
    }

    public synchronized int heldCount() {
        return open.size();
    }

    /** The bodies that arrived, as text. */
    public List<String> bodies() {
        return arrived().stream().map(RecordingBroker::body).toList();
    }

    /** For each key, the bodies that arrived, each at its first arrival. */
    public Map<String, List<String>> firstArrivalsByKey() {
        Map<String, List<String>> byKey = new LinkedHashMap<>();
        for (Message message : arrived()) {
            List<String> bodies = byKey.computeIfAbsent(String.valueOf(message.key()), key -> new ArrayList<>());
            if (!bodies.contains(body(message))) {
                bodies.add(body(message));
            }
        }
        return byKey;
    }

    public static String body(Message message) {
        return new String(message.body(), StandardCharsets.UTF_8);
    }

    public synchronized void forget() {
        attempts.clear();
        arrived.clear();
    }

    @Override
    public boolean healthy() {
        return true;
    }

    @Override
    public void close() {
        release();
    }
}
