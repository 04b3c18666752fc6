package dev.posthaste.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.servers.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A RabbitMQ that answers late or not at all while its connection stays open. The confirm timeout is 1 s here. */
class RabbitSlowBrokerTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(1);

    private RabbitQueue rabbit;

    @BeforeEach
    void open() throws Exception {
        rabbit = new RabbitQueue();
    }

    @AfterEach
    void close() throws Exception {
        rabbit.close();
    }

    private static RabbitSettings settings(String uri) {
        return RabbitSettings.of(uri).confirmTimeout(TIMEOUT);
    }

    private void connect(RabbitBroker broker) {
        await().atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> RabbitQueue.publish(broker, rabbit.message("first")) == Outcome.acknowledged());
    }

    @Test
    void A21_confirmsThatTakeAsLongAsTheTimeoutAreConfirms() throws Exception {
        lateConfirms(1_075);
    }

    @Test
    void A21_confirmsThatTakeTwiceTheTimeoutAreConfirms() throws Exception {
        lateConfirms(2_000);
    }

    private void lateConfirms(long delayMillis) throws Exception {
        try (AnswerProxy proxy = new AnswerProxy(rabbit.server.port());
                RabbitBroker broker = RabbitBroker.of(settings(proxy.uri()));
                Publishing publishing = new Publishing(broker)) {
            connect(broker);
            rabbit.take();
            proxy.delayAnswers(delayMillis);
            for (int i = 0; i < 500; i++) {
                publishing.publish(rabbit.message("m" + i));
            }
            publishing.awaitAll(Duration.ofSeconds(30));
            assertThat(publishing.acknowledged()).hasSize(500);
            assertThat(publishing.unknown).hasValue(0);
            assertThat(proxy.connections).hasValue(1);
            assertThat(rabbit.take()).hasSize(500);
        }
    }

    @Test
    void A21_aSlowConnectionTakesNoMoreUntilTheNextConfirm() throws Exception {
        try (AnswerProxy proxy = new AnswerProxy(rabbit.server.port());
                RabbitBroker broker = RabbitBroker.of(settings(proxy.uri()))) {
            connect(broker);
            proxy.delayAnswers(2_200);
            CompletableFuture<Outcome> late = RabbitQueue.send(broker, rabbit.message("late"));
            await().atMost(Duration.ofSeconds(10))
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> !broker.healthy());
            assertThat(late).isNotDone();
            assertThat(RabbitQueue.publish(broker, rabbit.message("refused")))
                    .isInstanceOfSatisfying(
                            Outcome.Unavailable.class,
                            unavailable -> assertThat(unavailable.reason()).contains("slow", "no confirm for"));
            assertThat(late.get(10, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
            assertThat(broker.healthy()).isTrue();
            proxy.delayAnswers(0);
            connect(broker);
            assertThat(rabbit.take()).doesNotContain("refused");
        }
    }

    @Test
    void A21_aServerThatConfirmsNothingGetsOneWindowAndThenOneMessageAtATime() throws Exception {
        try (Proxy proxy = new Proxy(rabbit.server.port());
                RabbitBroker broker = RabbitBroker.of(settings("amqp://guest:guest@127.0.0.1:" + proxy.port()));
                Publishing publishing = new Publishing(broker)) {
            connect(broker);
            rabbit.take();
            proxy.hold(false, true);
            for (int i = 0; i < 300; i++) {
                publishing.publish(rabbit.message("m" + i));
            }
            await().atMost(Duration.ofSeconds(20)).until(() -> publishing.unknown.get() >= 300);
            proxy.heal();
            publishing.awaitAll(Duration.ofSeconds(30));
            List<String> arrived = rabbit.take();
            assertThat(new HashSet<>(arrived)).hasSize(300);
            assertThat(arrived).hasSizeLessThanOrEqualTo(2 * 300 + 2);
        }
    }

    @Test
    void A21_afterAConnectionWithoutConfirmsTheNextSendsOneMessageAndGivesUpLater() throws Exception {
        Duration timeout = Duration.ofMillis(500);
        try (AnswerProxy proxy = new AnswerProxy(rabbit.server.port());
                RabbitBroker broker =
                        RabbitBroker.of(RabbitSettings.of(proxy.uri()).confirmTimeout(timeout));
                Publishing publishing = new Publishing(broker)) {
            connect(broker);
            rabbit.take();
            proxy.dropConfirms(true);
            long start = System.nanoTime();
            for (int i = 0; i < 100; i++) {
                publishing.publish(rabbit.message("m" + i));
            }
            await().atMost(Duration.ofSeconds(30)).until(() -> publishing.unknown.get() > 0);
            int window = rabbit.take().size();
            assertThat(window).isPositive();
            await().atMost(Duration.ofSeconds(30)).until(() -> publishing.unknown.get() == window + 1);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(timeout.multipliedBy(8)); // 3 + 6
            assertThat(publishing.acknowledged()).isEmpty();
            assertThat(rabbit.take().size()).isBetween(1, 2); // the probe, and the next one
            proxy.dropConfirms(false);
            publishing.awaitAll(Duration.ofSeconds(30));
            assertThat(publishing.acknowledged()).hasSize(100);
        }
    }

    @Test
    void A21_anExchangeWithoutConfirmsStopsNoOther() throws Exception {
        try (AnswerProxy proxy = new AnswerProxy(rabbit.server.port());
                RabbitQueue silent = new RabbitQueue();
                RabbitBroker broker = RabbitBroker.of(settings(proxy.uri()));
                Publishing publishing = new Publishing(broker)) {
            connect(broker); // its exchange has channel 1
            rabbit.take();
            proxy.dropConfirmsExceptOf(1);
            for (int i = 0; i < 10; i++) {
                publishing.publish(silent.message("s" + i));
            }
            long end = System.nanoTime() + Duration.ofSeconds(5).toNanos();
            int sent = 0;
            while (System.nanoTime() < end) {
                assertThat(RabbitQueue.publish(broker, rabbit.message("m" + sent++)))
                        .isEqualTo(Outcome.acknowledged());
                Thread.sleep(100);
            }
            assertThat(RabbitQueue.publish(broker, silent.message("more"))).isInstanceOf(Outcome.Unavailable.class);
            proxy.dropConfirmsExceptOf(0);
            publishing.awaitAll(Duration.ofSeconds(30));
            assertThat(proxy.connections).hasValue(1);
            assertThat(rabbit.take()).hasSize(sent);
        }
    }

    /** Uses a timeout of 8 s, because the command that ends the alarm can take that long on a busy machine. */
    @Test
    void A21_whatWasSentBeforeAnAlarmIsConfirmedWhenItEnds() throws Exception {
        try (RabbitBroker broker = RabbitBroker.of(rabbit.settings.confirmTimeout(Duration.ofSeconds(8)))) {
            connect(broker);
            rabbit.server.control("set_vm_memory_high_watermark", "0");
            CompletableFuture<Outcome> during;
            try {
                during = RabbitQueue.send(broker, rabbit.message("during"));
                await().atMost(Duration.ofSeconds(30)).until(() -> !broker.healthy());
                assertThat(RabbitQueue.publish(broker, rabbit.message("refused")))
                        .isInstanceOf(Outcome.Unavailable.class);
                await().during(Duration.ofMillis(8_500))
                        .atMost(Duration.ofSeconds(15))
                        .until(() -> !during.isDone());
            } finally {
                rabbit.server.control("set_vm_memory_high_watermark", "0.4");
            }
            assertThat(during.get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
        }
    }

    @Test
    void aRouteIsDeclaredAfterAnAlarmAndTheConnectionStays() throws Exception {
        Route route = Route.exchange(rabbit.exchange + "_new").queue(rabbit.queue);
        Message toRoute = Message.of(route.destination(), new byte[] {'x'});
        try (AnswerProxy proxy = new AnswerProxy(rabbit.server.port());
                RabbitBroker broker = RabbitBroker.of(settings(proxy.uri()).declare(true))) {
            connect(broker);
            rabbit.server.control("set_vm_memory_high_watermark", "0");
            try {
                RabbitQueue.send(broker, rabbit.message("during"));
                await().atMost(Duration.ofSeconds(30)).until(() -> !broker.healthy());
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> RabbitQueue.publish(broker, rabbit.message("refused"))
                                        instanceof Outcome.Unavailable refused
                                && refused.reason().contains("blocks publishers"));
                broker.prepare(route);
                await().during(Duration.ofSeconds(5)) // longer than RabbitMQ may take to answer
                        .atMost(Duration.ofSeconds(15))
                        .until(() -> RabbitQueue.publish(broker, toRoute) instanceof Outcome.Unavailable);
            } finally {
                rabbit.server.control("set_vm_memory_high_watermark", "0.4");
            }
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> RabbitQueue.publish(broker, toRoute).equals(Outcome.acknowledged()));
            assertThat(proxy.connections).hasValue(1);
        } finally {
            rabbit.channel.exchangeDelete(route.destination());
            rabbit.channel.queueDelete(RabbitBroker.errorQueue(rabbit.queue));
        }
    }

    @Test
    void S1_whatWaitedTooLongForItsTurnIsNeverSent() throws Exception {
        try (AnswerProxy proxy = new AnswerProxy(rabbit.server.port());
                RabbitBroker broker = RabbitBroker.of(settings(proxy.uri()).confirmWindow(1))) {
            connect(broker);
            rabbit.take();
            proxy.delayAnswers(2_000);
            long start = System.nanoTime();
            CompletableFuture<Outcome> sent = RabbitQueue.send(broker, rabbit.message("sent"));
            List<CompletableFuture<Outcome>> waiting = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                waiting.add(RabbitQueue.send(broker, rabbit.message("w" + i)));
            }
            for (CompletableFuture<Outcome> each : waiting) {
                assertThat(each.get(10, TimeUnit.SECONDS)).isInstanceOf(Outcome.Unavailable.class);
            }
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(1_900));
            assertThat(sent.get(10, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
            proxy.delayAnswers(0);
            assertThat(RabbitQueue.publish(broker, rabbit.message("after"))).isEqualTo(Outcome.acknowledged());
            assertThat(rabbit.take()).containsExactly("sent", "after");
        }
    }

    @Test
    void S1_aWriteThatHangsEndsTheConnectionAndWhatWaitsBehindItIsAnswered() throws Exception {
        try (Proxy proxy = new Proxy(rabbit.server.port());
                RabbitBroker broker = RabbitBroker.of(settings("amqp://guest:guest@127.0.0.1:" + proxy.port()))) {
            connect(broker);
            proxy.hold(true, true);
            List<Outcome> outcomes = new CopyOnWriteArrayList<>();
            long start = System.nanoTime();
            broker.publish(rabbit.message("hangs", "good", Map.of(), new byte[64 << 20]), outcomes::add);
            for (int i = 0; i < 20; i++) {
                broker.publish(rabbit.message("behind" + i), outcomes::add);
            }
            await().atMost(Duration.ofSeconds(20)).until(() -> outcomes.size() == 21);
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isLessThan(TIMEOUT.multipliedBy(5).dividedBy(2));
            assertThat(outcomes.get(20)).isInstanceOf(Outcome.Unknown.class);
            assertThat(outcomes.subList(0, 20)).allMatch(Outcome.Unavailable.class::isInstance);
            proxy.heal();
            connect(broker);
            assertThat(rabbit.take()).containsOnly("first");
        }
    }
}
