package dev.posthaste.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Route;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Outcome;
import dev.posthaste.broker.Receiver;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How a broker starts, and how it ends. */
class RabbitLifecycleTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    private RabbitQueue own;

    @BeforeEach
    void open() throws Exception {
        own = new RabbitQueue();
    }

    @AfterEach
    void close() throws Exception {
        own.close();
    }

    /** Refuses the second and third start, like the system when it cannot create another thread. */
    private static final class RefusedThread extends Thread {
        private final AtomicInteger starts;

        RefusedThread(Runnable work, AtomicInteger starts) {
            super(work);
            this.starts = starts;
        }

        @Override
        public void start() {
            int attempt = starts.incrementAndGet();
            if (attempt == 2 || attempt == 3) {
                throw new OutOfMemoryError("unable to create native thread (planned)");
            }
            super.start();
        }
    }

    @Test
    void aThreadThatCouldNotBeStartedIsStartedForALaterMessage() throws Exception {
        AtomicInteger starts = new AtomicInteger();
        try (RabbitBroker broker = new RabbitBroker(own.settings, work -> new RefusedThread(work, starts))) {
            for (int i = 0; i < 2; i++) { // the watch starts, the publisher does not
                assertThatThrownBy(() -> RabbitQueue.publish(broker, own.message("refused")))
                        .isInstanceOf(OutOfMemoryError.class);
            }
            assertThat(RabbitQueue.publish(broker, own.message("1"))).isEqualTo(Outcome.acknowledged());
        }
    }

    @Test
    void itIsHealthyUntilItKnowsOtherwise() throws Exception {
        try (RabbitBroker broker = RabbitBroker.of(RabbitSettings.of("amqp://127.0.0.1:1"))) {
            assertThat(broker.healthy()).isTrue();
            assertThat(RabbitQueue.publish(broker, own.message("1"))).isInstanceOf(Outcome.Unavailable.class);
            assertThat(broker.healthy()).isFalse();
        }
    }

    private record Recorder(List<Delivery> got) implements Receiver {
        @Override
        public String name() {
            return "recorder";
        }

        @Override
        public boolean handles(String eventType) {
            return true;
        }

        @Override
        public void accept(Delivery delivery) {
            got.add(delivery);
        }

        @Override
        public void close() {}
    }

    @Test
    void allSubscriptionsBeginNothingMoreBeforeOneIsWaitedFor() throws Exception {
        RabbitBroker broker = RabbitBroker.of(own.settings);
        try (RabbitQueue other = new RabbitQueue()) {
            List<Delivery> first = new CopyOnWriteArrayList<>();
            List<Delivery> second = new CopyOnWriteArrayList<>();
            await().atMost(LONG)
                    .until(() -> RabbitQueue.publish(broker, own.message("1")).equals(Outcome.acknowledged()));
            RabbitQueue.publish(broker, other.message("2"));
            RabbitQueue.publish(broker, other.message("3"));
            broker.subscribe(Route.exchange(own.exchange).queue(own.queue), new Recorder(first));
            broker.subscribe(Route.exchange(other.exchange).queue(other.queue), new Recorder(second));
            await().atMost(LONG).until(() -> first.size() == 1 && second.size() == 2);
            assertThat(first.get(0).wanted()).isTrue(); // its handler does not end
            assertThat(second.get(0).wanted()).isTrue();
            long start = System.nanoTime();
            Thread closing = new Thread(broker::close);
            closing.start();
            await().atMost(Duration.ofSeconds(4)).until(() -> !second.get(1).wanted());
            assertThat(closing.isAlive()).isTrue();
            closing.join();
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(9));
        }
    }
}
