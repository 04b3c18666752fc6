package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.PendingMark;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** What the simulation of the whole once found in the pump, each by itself. */
class PumpTest {
    private final List<String> published = new ArrayList<>();
    private final ArrayDeque<Consumer<Outcome>> answers = new ArrayDeque<>();
    private final ArrayDeque<Runnable> settling = new ArrayDeque<>();
    private long now = 1_000_000_000L;
    private long scanTakes;
    private final MemoryJournal journal = new MemoryJournal(() -> now, new Random(1), 0) {
        @Override
        public List<PendingMark> scan(long after, long through, int limit) {
            now += scanTakes;
            return super.scan(after, through, limit);
        }
    };
    private final Pump pump = pump();

    private Pump pump() {
        Claim claim = new Claim("orders", "me", 1);
        Lease lease = new Lease("orders", () -> now);
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
                new PumpParts(
                        OutboxDefinition.of("orders", Route.to("t"), "t"),
                        journal,
                        broker,
                        MessageFormat.RAW,
                        OutboxPolicy.defaults().withRetry(RetryPolicy.fixed(Duration.ofMillis(50), 1)),
                        RelaySettings.defaults(),
                        RelayListener.NONE,
                        settling::add,
                        () -> now,
                        new Random(1)),
                claim,
                lease);
    }

    private void commit(long id, String key) {
        journal.commit(new MemoryJournal.Row(id, key, now));
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
        answer(Outcome.ACKNOWLEDGED);
        pump.pass();
        settling.remove().run();
        pump.pass();
        assertThat(pump.drained()).isTrue();
    }

    @Test
    void whoStoodStillWhileItLookedBehindLooksBehindAgainSoon() {
        commit(2, "a");
        pump.pass();
        answer(Outcome.ACKNOWLEDGED);
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
        answer(Outcome.ACKNOWLEDGED);
        journal.requeueAt(2, now);
        for (int i = 0; i < 10; i++) {
            now += Duration.ofMillis(300).toNanos();
            pump.pass();
        }
        assertThat(published).containsExactly("e-2", "e-3", "e-2");
    }
}
