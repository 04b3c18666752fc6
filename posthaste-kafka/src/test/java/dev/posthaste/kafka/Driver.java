package dev.posthaste.kafka;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Publishes like a relay at its worst: keeps a fixed number of events at the broker, whatever its answers, and resends
 * those that it did not accept after 10 ms, 20 ms, up to 10 s. A relay with a smaller window or a circuit breaker is
 * gentler.
 */
final class Driver {
    private final KafkaBroker broker;
    private final String topic;
    private final int atOnce;
    private final int bytes;
    private final LinkedBlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
    private final ArrayDeque<Integer> fresh = new ArrayDeque<>();
    private final PriorityQueue<Again> again = new PriorityQueue<>((a, b) -> Long.compare(a.at() - b.at(), 0));
    private final Map<Integer, Integer> resends = new TreeMap<>();
    private final Map<String, Integer> outcomes = new TreeMap<>();
    private final Set<Integer> acknowledged = new HashSet<>();
    private int outstanding;

    private record Answer(int event, Outcome outcome) {}

    private record Again(int event, long at) {}

    /** @param first number of the first event */
    Driver(KafkaBroker broker, String topic, int first, int events, int bytes, int atOnce) {
        this.broker = broker;
        this.topic = topic;
        this.atOnce = atOnce;
        this.bytes = bytes;
        for (int i = first; i < first + events; i++) {
            fresh.add(i);
        }
    }

    /** @return the number of acknowledged events */
    int run(Duration most) throws InterruptedException {
        long end = System.nanoTime() + most.toNanos();
        while (System.nanoTime() < end && !(fresh.isEmpty() && again.isEmpty() && outstanding == 0)) {
            publishDue();
            take(answers.poll(10, TimeUnit.MILLISECONDS));
        }
        return acknowledged.size();
    }

    /** Waits for the events at the broker, without sending more. */
    void settle() throws InterruptedException {
        while (outstanding > 0) {
            take(answers.poll(30, TimeUnit.SECONDS));
        }
    }

    int acknowledged() {
        return acknowledged.size();
    }

    Map<String, Integer> outcomes() {
        return outcomes;
    }

    private void publishDue() {
        long now = System.nanoTime();
        while (outstanding < atOnce) {
            Again due = again.peek();
            if (due != null && now - due.at() >= 0) {
                again.remove();
                publish(due.event());
            } else if (!fresh.isEmpty()) {
                publish(fresh.remove());
            } else {
                return;
            }
        }
    }

    private void publish(int event) {
        outstanding++;
        byte[] own = new byte[bytes];
        new Random(event).nextBytes(own); // random, so that compression does not shrink it
        broker.publish(
                Message.of(topic, own).key("k" + event).headers(Map.of(MessageHeaders.EVENT_ID, "" + event)),
                outcome -> answers.add(new Answer(event, outcome)));
    }

    private void take(Answer first) {
        for (Answer each = first; each != null; each = answers.poll()) {
            outstanding--;
            outcomes.merge(each.outcome().getClass().getSimpleName(), 1, Integer::sum);
            if (each.outcome() instanceof Outcome.Acknowledged) {
                acknowledged.add(each.event());
            } else {
                int times = resends.merge(each.event(), 1, Integer::sum);
                long wait = Math.min(10_000L, 10L << Math.min(times - 1, 20));
                again.add(new Again(each.event(), System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(wait)));
            }
        }
    }

    /** The contents of the topic: messages, and distinct events. */
    record Written(int messages, int events) {
        int copies() {
            return messages - events;
        }
    }

    static Written written(KafkaSettings settings, String topic, int partitions) {
        List<String> ids = TopicReader.read(settings, topic, partitions).stream()
                .map(record -> KafkaMessages.message(record).headers().get(MessageHeaders.EVENT_ID))
                .toList();
        return new Written(ids.size(), new HashSet<>(ids).size());
    }
}
