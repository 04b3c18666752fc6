package dev.posthaste.tests;

import static dev.posthaste.tests.TestOutbox.BLOCK;
import static dev.posthaste.tests.TestOutbox.LONG;
import static dev.posthaste.tests.TestOutbox.ORDERS;
import static dev.posthaste.tests.TestOutbox.TYPE;
import static dev.posthaste.tests.TestOutbox.event;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Event;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Database;
import dev.posthaste.testkit.internal.RecordingBroker;
import dev.posthaste.tests.TestOutbox.Rows;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Audit findings of November 2026: numbers of events and keys beyond which promises were broken. */
class VolumeAuditTest {
    private static final Duration AT_ONCE = Duration.ofSeconds(2);
    private static final int DELAYED_KEYS = 260_000;
    private static final int DEAD_KEYS = 110_000;

    // --- 9 -----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(names = "POSTGRESQL")
    void A09_aRequeuedEventIsPublishedWhileABacklogIsDrained(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind)) {
            outbox.fill(Rows.of("dead", 100).withStatus("dead"));
            outbox.fill(Rows.of("backlog", 60_000));
            var slow = Intercepted.slowCommits(outbox.database.pool(4), Duration.ofMillis(150));
            try (Relay relay = Relay.builder(slow, outbox.catalog.all(BLOCK), outbox.broker)
                    .name("me")
                    .build()
                    .start()) {
                await().atMost(LONG).until(() -> outbox.count("status = 'published'") > 2_000);
                outbox.requeue("dead-50");
                outbox.awaitPublished("dead-50", Duration.ofSeconds(5));
                assertThat(outbox.count("status = 'pending'"))
                        .as("the backlog is still being drained")
                        .isPositive();
                assertThat(relay.owned()).containsExactly("orders");
            }
        }
    }

    // --- 10 ----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({"5000, 0", "5000, 50", "30000, 0"})
    void A10_aDestinationWithoutAnswersDelaysNoOther(int keys, int answerMillis) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(Database.POSTGRESQL, ORDERS.allowedDestinations("sick"));
                LateAnswers broker = new LateAnswers(outbox.broker, Duration.ofMillis(answerMillis))) {
            outbox.broker.answering(message -> message.destination().equals("sick")
                    ? Outcome.unknown("no answer from its leader")
                    : Outcome.acknowledged());
            outbox.fill(Rows.of("a", keys).to("sick"));
            outbox.fill(Rows.of("b", keys).withKeys("concat('a-', i)").to("sick"));
            try (Relay relay =
                    outbox.relay("me").broker("orders", broker).build().start()) {
                await("the sick destination was tried")
                        .atMost(LONG)
                        .until(() -> outbox.broker.attempts().size() >= 5);
                outbox.write("healthy", "healthy-1");
                // A relay that starts on a backlog may read it first.
                outbox.awaitPublished("healthy-1", Duration.ofSeconds(5 + keys / 5_000));
                for (int i = 2; i <= 4; i++) {
                    outbox.write("healthy", "healthy-" + i);
                    outbox.awaitPublished("healthy-" + i, Duration.ofSeconds(5));
                }
                assertThat(outbox.count("destination = 'sick' and status = 'pending' and attempts = 0"))
                        .as("events that were tried without counting an attempt")
                        .isEqualTo(2L * keys);
                outbox.broker.answering(message -> Outcome.acknowledged());
                outbox.awaitNothingPending(LONG.multipliedBy(2));
                assertThat(relay.owned()).containsExactly("orders");
            }
            Map<String, String> first = new HashMap<>();
            Set<String> all = new HashSet<>();
            for (Message message : outbox.broker.arrived()) {
                first.putIfAbsent(message.key(), RecordingBroker.body(message));
                all.add(RecordingBroker.body(message));
            }
            assertThat(all).hasSize(2 * keys + 4);
            assertThat(first.entrySet().stream().filter(each -> each.getKey().startsWith("a-")))
                    .as("the first arrivals of each key")
                    .hasSize(keys)
                    .allMatch(each -> each.getKey().equals(each.getValue()));
        }
    }

    /** A broker with slow answers. */
    private static final class LateAnswers implements Broker {
        private final Broker broker;
        private final Duration delay;
        private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor();

        LateAnswers(Broker broker, Duration delay) {
            this.broker = broker;
            this.delay = delay;
        }

        @Override
        public void publish(Message message, java.util.function.Consumer<Outcome> callback) {
            if (delay.isZero()) {
                broker.publish(message, callback);
            } else {
                thread.schedule(() -> broker.publish(message, callback), delay.toMillis(), TimeUnit.MILLISECONDS);
            }
        }

        @Override
        public boolean healthy() {
            return broker.healthy();
        }

        @Override
        public void close() {
            thread.shutdownNow();
            broker.close();
        }
    }

    // --- 13 ----------------------------------------------------------------------------------------------------------

    /** The real target is a million. */
    @ParameterizedTest
    @EnumSource(names = {"POSTGRESQL", "MARIADB"})
    void A13_keysThatWaitForADelayedEventDelayNoOther(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind)) {
            outbox.fill(Rows.of("delayed", DELAYED_KEYS).delayed(Duration.ofDays(1)));
            try (Relay relay = outbox.relay("me").build().start()) {
                outbox.write("fresh", "fresh-1");
                outbox.awaitPublished("fresh-1", LONG); // after all of those, which are read once
                List<Integer> some = List.of(1, DELAYED_KEYS / 2, DELAYED_KEYS - 1, DELAYED_KEYS);
                for (int number : some) {
                    outbox.write("delayed-" + number, "behind-" + number);
                }
                outbox.write(
                        Event.of(TYPE, "soon", "soon").id("soon").delay(Duration.ofSeconds(3)),
                        event("soon", "behind-soon"));
                for (int i = 2; i <= 5; i++) {
                    outbox.write("fresh", "fresh-" + i);
                    outbox.awaitPublished("fresh-" + i, AT_ONCE);
                }
                for (int number : some) {
                    assertThat(outbox.status("behind-" + number)).isEqualTo("pending");
                }
                outbox.awaitPublished("behind-soon", LONG);
                assertThat(relay.owned()).containsExactly("orders");
            }
            assertThat(outbox.broker.bodies())
                    .containsSubsequence("soon", "behind-soon")
                    .hasSize(7);
        }
    }

    // --- 14 ----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(names = {"POSTGRESQL", "MARIADB"})
    void A14_everyDeadEventBlocksItsKeyHoweverManyThereAre(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind)) {
            outbox.fill(Rows.of("dead", DEAD_KEYS).withStatus("dead"));
            try (Relay relay = outbox.relay("me", BLOCK).build().start()) {
                Set<Integer> some = Set.of(1, 2, 50_000, 99_999, DEAD_KEYS - 1, DEAD_KEYS);
                for (int number : some) {
                    outbox.write("dead-" + number, "behind-" + number);
                }
                // A hundred more events of other dead keys, in case the relay checks those first.
                outbox.fill(Rows.of("more", 100).withKeys("concat('dead-', i * 1100)"));
                outbox.write("fresh", "fresh-1");
                outbox.awaitPublished("fresh-1", LONG);
                for (int i = 2; i <= 5; i++) {
                    outbox.write("fresh", "fresh-" + i);
                    outbox.awaitPublished("fresh-" + i, AT_ONCE);
                }
                assertThat(outbox.broker.bodies()).allMatch(body -> body.startsWith("fresh-"));
                outbox.requeue("dead-99999");
                outbox.awaitPublished("behind-99999", Duration.ofSeconds(15));
                assertThat(outbox.broker.bodies())
                        .containsSubsequence("dead-99999", "behind-99999")
                        .hasSize(7);
                assertThat(relay.owned()).containsExactly("orders");
            }
        }
    }

    // --- 15 ----------------------------------------------------------------------------------------------------------

    @Test
    void A15_aRequeuedEventDoesNotWaitForAWalkOverAnotherKeysBacklog() throws Exception {
        UnaryOperator<OutboxDefinition> policy =
                o -> o.retry(RetryPolicy.fixed(Duration.ofMinutes(10)).forever());
        try (TestOutbox outbox = TestOutbox.on(Database.POSTGRESQL)) {
            outbox.broker.answering(
                    message -> "hot".equals(message.key()) ? Outcome.rejected("not now") : Outcome.acknowledged());
            outbox.fill(Rows.of("hot", 500_000).withKey("hot"));
            outbox.fill(Rows.of("dead", 8).withStatus("dead"));
            outbox.fill(Rows.of("hotter", 1_000).withKey("hot"));
            try (Relay relay = outbox.relay("me", policy).build().start()) {
                outbox.write("fresh", "fresh");
                outbox.awaitPublished("fresh", LONG);
                for (int i = 1; i <= 8; i++) {
                    outbox.requeue("dead-" + i);
                    outbox.awaitPublished("dead-" + i, Duration.ofSeconds(10));
                }
                assertThat(relay.owned()).containsExactly("orders");
            }
            assertThat(outbox.broker.attempts().stream()
                            .map(RecordingBroker::body)
                            .filter(body -> body.startsWith("hot"))
                            .collect(Collectors.toSet()))
                    .containsExactly("hot-1");
        }
    }
}
