package dev.posthaste.tests;

import static dev.posthaste.tests.TestOutbox.LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.inbox.AfterLastAttempt;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.internal.receipts.OriginHeaders;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelayListener;
import dev.posthaste.relay.internal.RelayTesting;
import dev.posthaste.servers.Database;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Audit findings of November 2026: cases in which nothing reported that no consumer had handled an event. */
class SilentConsumersTest extends WithReceipts {
    // --- Silence -----------------------------------------------------------------------------------------------------

    /** A relay that republishes events not consumed within 200 ms, and counts its checks. */
    private static Relay watching(TestOutbox outbox, AtomicInteger looks) throws SQLException {
        RelayListener listener = new RelayListener() {
            @Override
            public void unconsumed(String name, long events, Duration oldest) {
                if (events > 0) {
                    looks.incrementAndGet();
                }
            }
        };
        return RelayTesting.measureEvery(
                        outbox.relay(
                                "relay",
                                o -> o.retry(THREE)
                                        .consumedWithin(Duration.ofMillis(200))
                                        .republishUnconsumed(true)),
                        Duration.ofMillis(100))
                .listener(listener)
                .build()
                .start();
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void B07_aConsumerThatIsAwayFindsEachEventOnceAndAlive(Database kind) throws Exception {
        AtomicInteger looks = new AtomicInteger();
        try (TestOutbox outbox = TestOutbox.on(kind, TRACKED);
                Relay relay = watching(outbox, looks)) {
            for (int i = 0; i < 50; i++) {
                outbox.write("k" + i % 7, "v" + i);
            }
            await("the alarm is raised for longer than any backoff")
                    .atMost(LONG)
                    .until(() -> looks.get() >= 20);
            assertThat(outbox.broker.arrived()).hasSize(50);
            assertThat(outbox.count("status = 'published' and attempts = 0")).isEqualTo(50);
            AtomicInteger handled = new AtomicInteger();
            List<String> answers = new CopyOnWriteArrayList<>();
            try (Inbox consumer = consumer(
                    inbox(outbox, "back", (text, context) -> handled.incrementAndGet())
                            .receipts(receipts(outbox)),
                    AfterLastAttempt.REDELIVER)) {
                outbox.broker.arrived().forEach(each -> consumer.accept(new Answered(each, answers)));
                await().atMost(LONG).until(() -> outbox.count("status = 'consumed'") == 50);
            }
            assertThat(handled).hasValue(50);
            assertThat(answers).containsOnly("done");
            assertThat(outbox.broker.arrived()).hasSize(50);
            assertThat(relay.owned()).containsExactly("orders");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void B07_whatItsConsumerHasPassedIsPublishedAgainAndCountsNoAttempt(Database kind) throws Exception {
        AtomicInteger looks = new AtomicInteger();
        try (TestOutbox outbox = TestOutbox.on(kind, TRACKED);
                Relay relay = watching(outbox, looks)) {
            outbox.write("a", "lost");
            outbox.awaitPublished("lost", LONG);
            outbox.write("b", "handled");
            outbox.awaitPublished("handled", LONG);
            outbox.write("c", "on its way");
            outbox.awaitPublished("on its way", LONG);
            store(outbox)
                    .receive(
                            List.of(OriginHeaders.consumed(
                                    outbox.broker.arrived().get(1))),
                            RefusalPolicy.of(THREE, new Random(1)));
            await().atMost(LONG)
                    .until(() -> outbox.broker.arrived().stream()
                                    .filter(each -> "lost".equals(each.eventId()))
                                    .count()
                            >= 2);
            Message again = outbox.broker.arrived().get(3);
            assertThat(again.eventId()).isEqualTo("lost");
            assertThat(again.headers())
                    .containsEntry(MessageHeaders.ATTEMPTS, "0")
                    .containsEntry(MessageHeaders.GENERATION, "0");
            int before = looks.get();
            await().atMost(LONG).until(() -> looks.get() >= before + 10);
            assertThat(outbox.broker.arrived())
                    .as("no event later than the copy is consumed")
                    .hasSize(4);
            assertThat(outbox.count("attempts = 0")).isEqualTo(3);
            assertThat(relay.owned()).containsExactly("orders");
        }
    }
}
