package dev.posthaste.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Route;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The order in which topics are created, and what waits for them. */
class TopicCreationTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final KafkaSettings CREATING =
            KafkaSettings.of("127.0.0.1:1").createTopics(1, 1);
    private static final Route SLOW = Route.topic("slow");

    private final List<String> tried = new CopyOnWriteArrayList<>();
    private final CountDownLatch slowEnds = new CountDownLatch(1);

    private final Consumer<Route> creator = route -> {
        tried.add(route.destination());
        if (route.equals(SLOW)) {
            try {
                slowEnds.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            throw new IllegalStateException("planned");
        }
    };

    @Test
    void whatWasNeverTriedGoesBeforeWhatFailed() {
        try (TopicCreation creation = new TopicCreation(CREATING, creator, Thread::new)) {
            creation.add(SLOW);
            await().atMost(LONG).until(() -> tried.equals(List.of("slow")));
            creation.add(Route.topic("one"));
            creation.add(Route.topic("two"));
            assertThat(creation.missing("one")).isEqualTo("topic one is being created");
            slowEnds.countDown();
            await().atMost(LONG).until(() -> tried.size() >= 4);
            assertThat(tried.subList(0, 4)).containsExactly("slow", "one", "two", "slow");
            assertThat(creation.missing("one"))
                    .isEqualTo("topic one was created a moment ago, and Kafka does not find it yet");
            assertThat(creation.missing("another")).isNull();
            await().atMost(LONG)
                    .until(() -> "topic slow could not be created: planned".equals(creation.missing("slow")));
        }
    }

    @Test
    void nobodyWaitsLongForAnAttempt() throws Exception {
        try (TopicCreation creation = new TopicCreation(CREATING, creator, Thread::new)) {
            creation.add(SLOW);
            Thread waiting = new Thread(() -> {
                try {
                    creation.awaitAttempt(SLOW, () -> false);
                } catch (InterruptedException e) {
                    tried.add("interrupted");
                }
            });
            waiting.start();
            waiting.join(LONG.toMillis());
            assertThat(waiting.isAlive()).isFalse();
            assertThat(tried).containsExactly("slow");
        }
    }

    @Test
    void aThreadThatCouldNotBeStartedIsStartedForTheNextRoute() {
        AtomicInteger starts = new AtomicInteger();
        try (TopicCreation creation = new TopicCreation(CREATING, creator, work -> new Thread(work) {
            @Override
            public void start() {
                if (starts.incrementAndGet() == 1) {
                    throw new OutOfMemoryError("unable to create native thread (planned)");
                }
                super.start();
            }
        })) {
            Route route = Route.topic("one");
            assertThatThrownBy(() -> creation.add(route)).isInstanceOf(OutOfMemoryError.class);
            creation.add(route);
            await().atMost(LONG).until(() -> tried.equals(List.of("one")));
        }
    }
}
