package dev.posthaste.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Schema;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.broker.Receiver;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.RejectedEventException;
import dev.posthaste.inbox.UnknownTypes;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every broker must do that also brings messages, with its subscription. A subclass opens the broker, attaches
 * consumers, and names a destination without a listener.
 */
public abstract class BrokerContract extends PublishContract {
    /** What {@link #newDatabase} made for this test, with the tables of inboxes. */
    protected DataSource dataSource;

    private final List<Inbox> consumers = new ArrayList<>();

    /** An empty database for the inbox. */
    protected abstract DataSource newDatabase() throws Exception;

    /** Feeds {@code consumer} with what is published by {@link #message}, until the test ends. */
    protected abstract void subscribe(Receiver consumer) throws Exception;

    /** The errors of what was dead-lettered, or rejected for good. */
    protected abstract List<String> deadLetters(List<Outcome> outcomes) throws Exception;

    @Override
    @BeforeEach
    void openBroker() throws Exception {
        dataSource = newDatabase();
        Schema.create(dataSource, Catalog.empty());
        super.openBroker();
    }

    @Override
    @AfterEach
    void closeBroker() throws Exception {
        super.closeBroker();
        consumers.forEach(Inbox::close);
    }

    @Override
    protected void listen(Listener listener) throws Exception {
        subscribe(consumer(
                inbox((text, context) -> listener.arrived(context.message().body())),
                RetryPolicy.fixed(Duration.ofMillis(10)).attempts(5)));
    }

    /** Builds an inbox, and closes it when the test ends. */
    protected Inbox consumer(Inbox.Builder inbox, RetryPolicy retry) {
        Inbox consumer = inbox.retry(retry).build();
        consumers.add(consumer);
        return consumer;
    }

    /** An inbox with this handler for {@link #TYPE}; other types are dead letters. */
    protected Inbox.Builder inbox(dev.posthaste.inbox.Handler<String> handler) {
        return Inbox.builder("contract", dataSource)
                .on(TYPE, String.class, handler)
                .unknownTypes(UnknownTypes.DEAD_LETTER);
    }

    @Test
    void severalConsumersHandleEachKeyInItsOrder() throws Exception {
        List<String> handled = new CopyOnWriteArrayList<>();
        for (int i = 0; i < 3; i++) {
            int slowness = 20 * i; // the first that comes along is the fastest
            subscribe(consumer(
                    inbox((text, context) -> {
                        Thread.sleep(slowness);
                        handled.add(text);
                    }),
                    RetryPolicy.fixed(Duration.ofMillis(10)).attempts(10)));
        }
        List<String> sent = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            String text = "k" + i % 3 + ":" + i;
            Message message = message("e" + i, "k" + i % 3, text);
            await().atMost(Duration.ofSeconds(30)).until(() -> publish(message) instanceof Outcome.Acknowledged);
            sent.add(text);
        }
        await().atMost(Duration.ofSeconds(30)).until(() -> handled.size() == 60);
        for (String key : List.of("k0", "k1", "k2")) {
            assertThat(handled.stream().filter(text -> text.startsWith(key)))
                    .containsExactlyElementsOf(
                            sent.stream().filter(text -> text.startsWith(key)).toList());
        }
    }

    @Test
    void aMessageArrivesAsItWasSent() throws Exception {
        CompletableFuture<Message> received = new CompletableFuture<>();
        subscribe(consumer(
                inbox((text, context) -> received.complete(context.message())),
                RetryPolicy.fixed(Duration.ZERO).attempts(1)));
        Map<String, String> headers = Map.of(
                MessageHeaders.EVENT_ID,
                "id-1",
                MessageHeaders.EVENT_TYPE,
                TYPE,
                MessageHeaders.EVENT_KEY,
                "schlüssel",
                "tenant",
                "ünïcode 漢字");
        byte[] body = "späße \uD83D\uDE00".getBytes(StandardCharsets.UTF_8);
        assertThat(publish(message(headers, "schlüssel", body))).isInstanceOf(Outcome.Acknowledged.class);
        Message message = received.get(30, TimeUnit.SECONDS);
        assertThat(message.headers()).containsAllEntriesOf(headers);
        assertThat(message.key()).isEqualTo("schlüssel");
        assertThat(message.body()).isEqualTo(body);
    }

    @Test
    void oneKeyIsHandledInOrderAndAFailureIsRetriedInPlace() throws Exception {
        List<String> handled = new CopyOnWriteArrayList<>();
        AtomicInteger failures = new AtomicInteger(2);
        subscribe(consumer(
                inbox((text, context) -> {
                    if (text.equals("a0") && failures.getAndDecrement() > 0) {
                        throw new IllegalStateException("not yet");
                    }
                    handled.add(text);
                }),
                RetryPolicy.fixed(Duration.ofMillis(200)).attempts(10)));
        for (int i = 0; i < 20; i++) {
            broker.publish(message("a" + i, "a", "a" + i), outcome -> {});
        }
        broker.publish(message("b0", "b", "b0"), outcome -> {});
        await().atMost(Duration.ofSeconds(30)).until(() -> handled.size() == 21);
        assertThat(handled).startsWith("b0");
        assertThat(handled.subList(1, 21))
                .containsExactlyElementsOf(java.util.stream.IntStream.range(0, 20)
                        .mapToObj(i -> "a" + i)
                        .toList());
    }

    @Test
    void whatCanNeverBeHandledIsDeadLetteredWithTheReason() throws Exception {
        List<String> handled = new CopyOnWriteArrayList<>();
        subscribe(consumer(
                inbox((text, context) -> {
                    if (text.equals("bad")) {
                        throw new RejectedEventException("impossible event");
                    }
                    handled.add(text);
                }),
                RetryPolicy.fixed(Duration.ofMillis(10)).attempts(3)));
        List<Outcome> outcomes = new CopyOnWriteArrayList<>();
        broker.publish(message("1", "k", "bad"), outcomes::add);
        broker.publish(message("2", "k", "good"), outcomes::add);
        await().atMost(Duration.ofSeconds(30)).until(() -> handled.equals(List.of("good")) && outcomes.size() == 2);
        await().atMost(Duration.ofSeconds(30)).until(() -> deadLetters(outcomes).size() == 1);
        assertThat(deadLetters(outcomes).get(0)).contains("impossible event");
    }
}
