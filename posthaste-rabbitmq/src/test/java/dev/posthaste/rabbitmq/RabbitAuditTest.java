package dev.posthaste.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.GetResponse;
import dev.posthaste.Route;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.Subscription;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Messages from other programs: what any of them may have put into a queue, and what a subscription does with it. */
class RabbitAuditTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    private RabbitQueue rabbit;
    private String errorQueue;
    private final List<Subscription> opened = new ArrayList<>();

    @BeforeEach
    void open() throws Exception {
        rabbit = new RabbitQueue();
        errorQueue = RabbitTopology.errorQueue(rabbit.queue);
        rabbit.channel.queueDeclare(errorQueue, true, false, false, Map.of());
    }

    @AfterEach
    void close() throws Exception {
        opened.forEach(Subscription::close);
        rabbit.channel.queueDelete(errorQueue);
        rabbit.close();
    }

    private interface Accepting {
        void accept(Delivery delivery) throws Exception;
    }

    private Subscription subscribe(int prefetch, Accepting accepting) {
        Receiver receiver = new Receiver() {
            @Override
            public String name() {
                return "receiver";
            }

            @Override
            public boolean handles(String eventType) {
                return true;
            }

            @Override
            public void accept(Delivery delivery) {
                try {
                    accepting.accept(delivery);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }

            @Override
            public void close() {}
        };
        Route route = Route.exchange(rabbit.exchange).queue(rabbit.queue);
        Subscription subscription =
                RabbitBroker.of(rabbit.settings.prefetch(prefetch)).subscribe(route, receiver);
        opened.add(subscription);
        await().atMost(LONG).until(subscription::healthy);
        return subscription;
    }

    private void write(AMQP.BasicProperties properties, byte[] body) throws Exception {
        rabbit.channel.basicPublish(rabbit.exchange, "good", properties, body);
    }

    private GetResponse deadLetter() throws Exception {
        List<GetResponse> got = new ArrayList<>();
        await().atMost(LONG).until(() -> {
            GetResponse next = rabbit.channel.basicGet(errorQueue, true);
            if (next != null) {
                got.add(next);
            }
            return next != null;
        });
        return got.get(0);
    }

    private static String header(GetResponse got, String name) {
        return String.valueOf(got.getProps().getHeaders().get(name));
    }

    /** A failure with this reason and a stack of this many frames. */
    private static Failure failure(String reason, int frames) {
        RuntimeException cause = new RuntimeException();
        cause.setStackTrace(IntStream.range(0, frames)
                .mapToObj(i -> new StackTraceElement("Class" + i, "method", "File.java", i))
                .toArray(StackTraceElement[]::new));
        return Failure.of("receiver", reason).cause(cause).attempts(3);
    }

    // --- Dead letters ------------------------------------------------------------------------------------------------

    @Test
    void B06_deadLettersAreWhatCameAndNeitherExpireNorGoElsewhere() throws Exception {
        Map<String, Object> headers = new HashMap<>();
        headers.put("int", 7);
        headers.put("long", 1L << 40);
        headers.put("bytes", new byte[] {(byte) 0x80, 0});
        headers.put("null", null);
        headers.put("list", List.of(1, 2));
        headers.put("table", Map.of("x", 1.5));
        headers.put("decimal", new BigDecimal("3.10"));
        headers.put("time", new Date(1_000_000_000_000L));
        headers.put("CC", List.of("elsewhere", rabbit.queue));
        AMQP.BasicProperties properties = new AMQP.BasicProperties.Builder()
                .contentType("application/x-protobuf")
                .contentEncoding("gzip")
                .correlationId("c")
                .replyTo("r")
                .priority(3)
                .timestamp(new Date(1_000_000_000_000L))
                .messageId("m")
                .type("t")
                .appId("a")
                .userId("guest")
                .expiration("3600000")
                .deliveryMode(1)
                .headers(headers)
                .build();
        byte[] body = {(byte) 0xff, 0, 1};
        write(properties, body);
        AtomicInteger given = new AtomicInteger();
        subscribe(10, delivery -> {
            given.incrementAndGet();
            assertThat(delivery.message().headers()).doesNotContainKey("null");
            delivery.deadLetter(failure("no", 5));
        });
        GetResponse dead = deadLetter();
        assertThat(dead.getBody()).isEqualTo(body);
        AMQP.BasicProperties kept = dead.getProps();
        assertThat(kept.builder()
                        .headers(null)
                        .deliveryMode(1)
                        .expiration("3600000")
                        .userId("guest")
                        .build())
                .isEqualTo(properties.builder().headers(null).build());
        assertThat(kept.getDeliveryMode()).isEqualTo(2);
        assertThat(kept.getExpiration()).isNull();
        assertThat(kept.getUserId()).isNull();
        for (String name : List.of("int", "long", "list", "decimal", "time", "null", "table", "bytes")) {
            assertThat(kept.getHeaders()).containsKey(name);
            assertThat(kept.getHeaders().get(name)).isEqualTo(headers.get(name));
        }
        assertThat(kept.getHeaders()).doesNotContainKey("CC").containsKey("posthaste-original-CC");
        assertThat(header(dead, "posthaste-original-expiration")).isEqualTo("3600000");
        assertThat(header(dead, MessageHeaders.ERROR)).isEqualTo("no");
        assertThat(header(dead, MessageHeaders.ERROR_ORIGIN)).isEqualTo(rabbit.queue);
        await().atMost(LONG).until(() -> rabbit.channel.messageCount(rabbit.queue) == 0);
        assertThat(given).as("no copy came back by CC").hasValue(1);
    }

    @Test
    void B06_headersThatFitJustSoLoseTheStackOrTheirValues() throws Exception {
        AMQP.BasicProperties properties = new AMQP.BasicProperties.Builder()
                .messageId("m")
                .headers(Map.of("large", "x".repeat(130_000), MessageHeaders.EVENT_ID, "e"))
                .build();
        write(properties, new byte[] {1});
        AMQP.BasicProperties larger = new AMQP.BasicProperties.Builder()
                .headers(Map.of("larger", "x".repeat(130_900), MessageHeaders.EVENT_KEY, "k"))
                .build();
        write(larger, new byte[] {2});
        List<Integer> sizes = new CopyOnWriteArrayList<>(List.of(100, 100));
        subscribe(10, delivery -> delivery.deadLetter(failure("r".repeat(500), sizes.remove(0))));
        GetResponse first = deadLetter();
        assertThat(first.getBody()).containsExactly(1);
        assertThat(header(first, "large")).hasSize(130_000);
        assertThat(header(first, MessageHeaders.ERROR)).hasSize(500);
        assertThat(first.getProps().getHeaders()).doesNotContainKey(MessageHeaders.ERROR_STACK);
        GetResponse second = deadLetter();
        assertThat(second.getBody()).containsExactly(2);
        assertThat(header(second, MessageHeaders.ERROR)).hasSize(100);
        assertThat(header(second, MessageHeaders.ERROR_HEADERS)).contains("larger");
        assertThat(header(second, MessageHeaders.EVENT_KEY)).isEqualTo("k");
        assertThat(header(second, MessageHeaders.ERROR_ORIGIN)).isEqualTo(rabbit.queue);
        await().atMost(LONG).until(() -> rabbit.channel.messageCount(rabbit.queue) == 0);
    }

    @Test
    void B06_aBodyThatTheServerTakesNoMoreIsLeftOutAndOthersAreNotDisturbed() throws Exception {
        write(new AMQP.BasicProperties.Builder().messageId("large").build(), new byte[100_000]);
        write(new AMQP.BasicProperties.Builder().messageId("good").build(), new byte[1]);
        rabbit.server.control("eval", "application:set_env(rabbit, max_message_size, 50000).");
        try {
            AtomicInteger good = new AtomicInteger();
            Subscription subscription = subscribe(10, delivery -> {
                if ("large".equals(delivery.message().eventId())) {
                    delivery.deadLetter(failure("no", 5));
                } else {
                    good.incrementAndGet();
                    delivery.done();
                }
            });
            GetResponse dead = deadLetter();
            assertThat(dead.getBody()).isEmpty();
            assertThat(header(dead, MessageHeaders.ERROR_BODY)).contains("left out", "100000 bytes");
            assertThat(header(dead, MessageHeaders.EVENT_ID)).isEqualTo("large");
            await().atMost(LONG).until(() -> good.get() == 1);
            assertThat(subscription.healthy()).isTrue();
        } finally {
            rabbit.server.control("eval", "application:set_env(rabbit, max_message_size, 134217728).");
        }
    }

    @Test
    void B06_whateverTheHeadersHoldTheMessageIsHandedOnAndCanBeADeadLetter() throws Exception {
        Map<String, Object> nested = new HashMap<>();
        for (int i = 0; i < 30; i++) {
            nested = new HashMap<>(Map.of("", nested));
        }
        write(new AMQP.BasicProperties.Builder().headers(nested).build(), new byte[] {1});
        byte[] garbage = new byte[1000];
        new Random(1).nextBytes(garbage);
        write(
                new AMQP.BasicProperties.Builder()
                        .headers(Map.of(
                                MessageHeaders.EVENT_ID,
                                7,
                                MessageHeaders.POSITION,
                                garbage,
                                "posthaste-digest",
                                List.of()))
                        .build(),
                garbage);
        write(new AMQP.BasicProperties.Builder().messageId("last").build(), new byte[] {3});
        List<String> received = new CopyOnWriteArrayList<>();
        subscribe(10, delivery -> {
            received.add(String.valueOf(delivery.message().eventId()));
            delivery.deadLetter(failure("no", 5));
        });
        assertThat(List.of(
                        deadLetter().getBody()[0],
                        deadLetter().getBody()[0],
                        deadLetter().getBody()[0]))
                .containsExactly((byte) 1, garbage[0], (byte) 3);
        assertThat(received).containsExactly("null", "7", "last");
    }

    // --- Memory and errors -------------------------------------------------------------------------------------------

    @Test
    void B10_thePrefetchFollowsTheSizeOfWhatArrives() throws Exception {
        byte[] large = new byte[1 << 20];
        for (int i = 0; i < 80; i++) {
            write(new AMQP.BasicProperties.Builder().messageId("m" + i).build(), large);
        }
        List<Delivery> waiting = new CopyOnWriteArrayList<>();
        List<String> done = new CopyOnWriteArrayList<>();
        AtomicInteger most = new AtomicInteger();
        subscribe(500, delivery -> {
            waiting.add(delivery);
            most.accumulateAndGet(bytes(waiting), Math::max);
        });
        await().atMost(LONG).until(() -> {
            for (Delivery each : waiting) {
                waiting.remove(each);
                if (each.wanted()) {
                    done.add(String.valueOf(each.message().eventId()));
                    each.done();
                } else {
                    each.abandoned();
                }
                Thread.sleep(5); // slower than they arrive
            }
            return done.containsAll(
                    IntStream.range(0, 80).mapToObj(i -> "m" + i).toList());
        });
        assertThat(most.get()).isLessThan(60 << 20);
        for (int i = 0; i < 200; i++) {
            write(new AMQP.BasicProperties.Builder().messageId("s" + i).build(), new byte[10]);
        }
        await().atMost(LONG).until(() -> {
            for (Delivery each : waiting) {
                waiting.remove(each);
                if (each.wanted()) {
                    each.done();
                }
            }
            return rabbit.channel.messageCount(rabbit.queue) == 0;
        });
    }

    @Test
    void B10_aMessageThatIsLargerThanTheClientExpectsIsReceived() throws Exception {
        write(new AMQP.BasicProperties.Builder().messageId("large").build(), new byte[(64 << 20) + 1]);
        AtomicInteger size = new AtomicInteger();
        subscribe(10, delivery -> {
            size.set(delivery.message().body().length);
            delivery.done();
        });
        await().atMost(LONG).until(() -> size.get() == (64 << 20) + 1);
    }

    private static int bytes(List<Delivery> waiting) {
        return waiting.stream().mapToInt(each -> each.message().body().length).sum();
    }

    @Test
    void B10_thePrefetchIsLoweredAtOnceAndRaisedWhenNothingWaits() {
        Prefetch prefetch = new Prefetch(500);
        for (int i = 0; i < 33; i++) {
            assertThat(prefetch.isToChange()).isFalse();
            prefetch.arrived(1 << 20);
        }
        assertThat(prefetch.adjust()).isEqualTo(32);
        for (int i = 0; i < 33; i++) {
            prefetch.released(1 << 20);
        }
        assertThat(prefetch.isToChange()).as("later ones may be as large").isFalse();
        prefetch.arrived(40 << 20);
        assertThat(prefetch.adjust()).as("one message alone").isEqualTo(1);
        assertThat(prefetch.isToChange()).isFalse();
        for (int i = 0; i < 1_000; i++) {
            prefetch.arrived(100);
            prefetch.released(100);
        }
        assertThat(prefetch.isToChange()).as("something waits").isFalse();
        prefetch.released(40 << 20);
        assertThat(prefetch.adjust()).isEqualTo(500);
    }

    @Test
    void B10_anErrorEndsAChannelAndNotTheSubscription() throws Exception {
        List<Throwable> errors = new CopyOnWriteArrayList<>(List.of(
                new OutOfMemoryError("planned"), new StackOverflowError(), new IllegalStateException("planned")));
        List<String> received = new CopyOnWriteArrayList<>();
        Subscription subscription = subscribe(10, delivery -> {
            if (!errors.isEmpty()) {
                Throwable next = errors.remove(0);
                if (next instanceof Error error) {
                    throw error;
                }
                throw (RuntimeException) next;
            }
            received.add(String.valueOf(delivery.message().eventId()));
            delivery.done();
        });
        for (String id : List.of("1", "2")) {
            write(new AMQP.BasicProperties.Builder().messageId(id).build(), new byte[1]);
        }
        await().atMost(LONG).until(() -> received.containsAll(List.of("1", "2")));
        Thread.getAllStackTraces().keySet().stream()
                .filter(each -> each.getName().equals("posthaste-rabbitmq-" + rabbit.queue))
                .forEach(Thread::interrupt);
        write(new AMQP.BasicProperties.Builder().messageId("3").build(), new byte[1]);
        await().atMost(LONG).until(() -> received.contains("3"));
        await().atMost(LONG).until(subscription::healthy);
        subscription.close();
        assertThat(subscription.healthy()).isFalse();
    }
}
