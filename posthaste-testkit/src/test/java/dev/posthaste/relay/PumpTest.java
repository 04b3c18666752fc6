package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.RelaySettings;
import dev.posthaste.testkit.internal.InMemoryEvent;
import dev.posthaste.testkit.internal.InMemoryStore;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The simulation's findings about the pump, one by one. */
class PumpTest {
    private final List<String> published = new ArrayList<>();
    private final ArrayDeque<Consumer<Outcome>> answers = new ArrayDeque<>();
    private final ArrayDeque<Runnable> settling = new ArrayDeque<>();
    private long now = 1_000_000_000L;
    private long scanTakes;
    private final List<Duration> acknowledgedAfter = new ArrayList<>();
    private final InMemoryStore store = new InMemoryStore(false, () -> now) {
        @Override
        public synchronized List<PendingRef> scan(long after, long through, int limit) {
            now += scanTakes;
            return super.scan(after, through, limit);
        }
    };
    private final Claim claim = new Claim("orders", "me", 1);
    private final Lease lease = new Lease("orders", () -> now);
    private final Pump pump = pump();

    private Pump pump() {
        lease.held(claim, now, Duration.ofDays(365));
        Broker broker = new Broker() {
            @Override
            public void publish(Message message, Consumer<Outcome> callback) {
                published.add(String.valueOf(message.eventId()));
                answers.add(callback);
            }

            @Override
            public boolean healthy() {
                return true;
            }

            @Override
            public void close() {}
        };
        return new Pump(
                new OutboxRuntime(
                        OutboxDefinition.named("orders")
                                .route(Route.to("t"))
                                .types("t")
                                .retry(RetryPolicy.fixed(Duration.ofMillis(50)).attempts(1)),
                        store,
                        null,
                        broker,
                        RelaySettings.defaults(),
                        new EngineListener() {
                            @Override
                            public void answered(
                                    String outbox,
                                    PendingEvent event,
                                    Outcome outcome,
                                    long nanos,
                                    long sinceWrittenNanos) {
                                if (outcome instanceof Outcome.Acknowledged) {
                                    acknowledgedAfter.add(Duration.ofNanos(sinceWrittenNanos));
                                }
                            }
                        },
                        settling::add,
                        () -> now,
                        new Random(1)),
                claim,
                lease);
    }

    private void commit(long id, String key) {
        store.commit(InMemoryEvent.of(id, key, null, now));
    }

    private void answer(Outcome outcome) {
        answers.remove().accept(outcome);
    }

    @Test
    void aKeyGoesOnAfterADeadEventOnlyWhenTheDeathIsWrittenDown() {
        commit(1, "k");
        commit(2, "k");
        pump.pass();
        answer(Outcome.rejected("never"));
        pump.pass();
        pump.pass();
        assertThat(published).as("another relay would publish e-1 again").containsExactly("e-1");
        settling.remove().run();
        pump.pass();
        assertThat(published).containsExactly("e-1", "e-2");
        answer(Outcome.acknowledged());
        pump.pass();
        settling.remove().run();
        pump.pass();
        assertThat(pump.drained()).isTrue();
    }

    @Test
    void whoStoodStillWhileItLookedBehindLooksBehindAgainSoon() {
        commit(2, "a");
        pump.pass();
        answer(Outcome.acknowledged());
        pump.pass();
        settling.remove().run();
        now += Duration.ofSeconds(1).toNanos();
        scanTakes = Duration.ofMinutes(10).toNanos();
        pump.pass();
        scanTakes = 0;
        commit(3, "b");
        pump.pass();
        now += Duration.ofSeconds(1).toNanos();
        pump.pass();
        answer(Outcome.acknowledged());
        store.putBack(2);
        for (int i = 0; i < 10; i++) {
            now += Duration.ofMillis(300).toNanos();
            pump.pass();
        }
        assertThat(published).containsExactly("e-2", "e-3", "e-2");
    }

    /**
     * The event waits in the table, in its lane behind another event of its key, and at a broker that does not answer.
     */
    @Test
    void E01_theTimeToTheAcknowledgementIncludesAllWaiting() {
        commit(1, "k");
        commit(2, "k");
        now += Duration.ofMinutes(1).toNanos();
        pump.pass();
        now += Duration.ofMinutes(10).toNanos();
        answer(Outcome.unknown("no answer"));
        pump.pass();
        now += Duration.ofMinutes(100).toNanos();
        pump.pass();
        answer(Outcome.acknowledged());
        pump.pass();
        answer(Outcome.acknowledged());
        pump.pass();
        assertThat(published).containsExactly("e-1", "e-1", "e-2");
        assertThat(acknowledgedAfter).containsExactly(Duration.ofMinutes(111), Duration.ofMinutes(111));
    }

    /** The outbox was paused while a pass was reading. */
    @Test
    void C17_whatAPassHasReadIsNotPublishedOnceTheOutboxIsGivenUp() {
        commit(1, "k");
        lease.startRelease();
        pump.pass();
        assertThat(published).isEmpty();
    }

    /**
     * The lease's row was deleted and created again, and epochs began again: this pump may have missed another owner.
     */
    @Test
    void C20_aClaimThatEqualsTheOneThatWasLostIsAnother() {
        commit(1, "k");
        lease.ended();
        lease.held(new Claim("orders", "me", 1), now, Duration.ofDays(365));
        pump.pass();
        assertThat(published).isEmpty();
        assertThat(lease.holds(claim)).isFalse();
    }

    /** Found by the campaign: it was not published until the backlog was smaller than the window. */
    @Test
    void D01_whatIsPutBackIsPublishedWhileTheWindowIsFull() {
        int backlog = 20_000;
        for (int id = 1; id <= backlog; id++) {
            commit(id, "key-" + id);
        }
        boolean putBack = false;
        for (int i = 0; i < 200; i++) {
            pump.pass();
            for (int j = 0; j < 50 && !answers.isEmpty(); j++) {
                answer(Outcome.acknowledged());
            }
            pump.pass();
            settling.forEach(Runnable::run);
            settling.clear();
            if (!putBack && published.size() > 1_000) {
                store.putBack(1);
                putBack = true;
            }
            now += Duration.ofMillis(10).toNanos();
        }
        int unread = backlog - RelaySettings.defaults().window();
        assertThat(published.size()).as("the window was always full").isLessThan(unread);
        assertThat(published.stream().filter("e-1"::equals)).hasSize(2);
    }
}
