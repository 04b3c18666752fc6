package dev.posthaste.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Event;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every broker must do with what it publishes. Extend it to prove a broker that only publishes; {@link
 * BrokerContract} asks more, of one that brings messages too. A subclass opens the broker, listens where its messages
 * arrive, and names a destination where none can.
 */
public abstract class PublishContract {
    /** The type of the events in these tests. */
    protected static final String TYPE = "order.placed";
    /** What {@link #open} opened for this test. */
    protected Broker broker;

    /** Gets the body of each message that arrives. May block; what it throws means that the message was not taken. */
    @FunctionalInterface
    protected interface Listener {
        /** @param body of a message that arrived */
        void arrived(byte[] body) throws Exception;
    }

    /** A broker with nothing in it. */
    protected abstract Broker open() throws Exception;

    /** Tells {@code listener} what arrives of what is published by {@link #message}, until the test ends. */
    protected abstract void listen(Listener listener) throws Exception;

    /** A message that can be delivered. */
    protected abstract Message message(Map<String, String> headers, @Nullable String key, byte[] body);

    /** A message that no consumer can receive. */
    protected abstract Message unroutable();

    /** Closes what {@link #open} and {@link #listen} opened. */
    protected abstract void close() throws Exception;

    /**
     * How many messages are published before the first outcome is waited for. A broker whose server takes fewer at once
     * says so; a relay has 64 in flight to a destination at first, and at most its window.
     */
    protected int atOnce() {
        return 2_000;
    }

    @BeforeEach
    void openBroker() throws Exception {
        broker = open();
    }

    @AfterEach
    void closeBroker() throws Exception {
        close();
        broker.close();
    }

    /** A message of {@link #TYPE} with Posthaste's headers, and a text as its body. */
    protected Message message(String id, @Nullable String key, String body) {
        Map<String, String> headers = new HashMap<>();
        headers.put(MessageHeaders.EVENT_ID, id);
        headers.put(MessageHeaders.EVENT_TYPE, TYPE);
        if (key != null) {
            headers.put(MessageHeaders.EVENT_KEY, key);
        }
        return message(headers, key, body.getBytes(StandardCharsets.UTF_8));
    }

    /** Publishes the message, and waits up to 60 s for its outcome. */
    protected Outcome publish(Message message) throws Exception {
        CompletableFuture<Outcome> outcome = new CompletableFuture<>();
        broker.publish(message, outcome::complete);
        return outcome.get(60, TimeUnit.SECONDS);
    }

    @Test
    void everyPublishGetsExactlyOneOutcomeAndNothingIsLost() throws Exception {
        Map<String, Integer> received = new ConcurrentHashMap<>();
        listen(body -> received.merge(new String(body, StandardCharsets.UTF_8), 1, Integer::sum));
        int messages = atOnce();
        Map<String, AtomicInteger> outcomes = new ConcurrentHashMap<>();
        for (int i = 0; i < messages; i++) {
            String id = "m" + i;
            outcomes.put(id, new AtomicInteger());
            broker.publish(message(Event.newId(), null, id), outcome -> {
                assertThat(outcome).isInstanceOf(Outcome.Acknowledged.class);
                outcomes.get(id).incrementAndGet();
            });
        }
        await().atMost(Duration.ofSeconds(60))
                .until(() -> received.size() == messages
                        && outcomes.values().stream().allMatch(count -> count.get() == 1));
        assertThat(received.values()).allMatch(times -> times == 1);
    }

    @Test
    void aMessageThatNobodyCanReceiveIsRejectedWithTheReason() throws Exception {
        assertThat(publish(unroutable()))
                .isInstanceOfSatisfying(
                        Outcome.Rejected.class,
                        rejected -> assertThat(rejected.reason()).isNotBlank());
    }

    @Test
    void closingAnswersEveryOpenPublishAndWorksTwice() throws Exception {
        listen(body -> Thread.sleep(200));
        List<Outcome> outcomes = new CopyOnWriteArrayList<>();
        for (int i = 0; i < 50; i++) {
            broker.publish(message("c" + i, null, "x"), outcomes::add);
        }
        broker.close();
        broker.close();
        await().atMost(Duration.ofSeconds(30)).until(() -> outcomes.size() == 50);
        assertThat(broker.healthy()).isFalse();
        assertThat(publish(message("late", null, "x"))).isInstanceOf(Outcome.Unavailable.class);
    }
}
