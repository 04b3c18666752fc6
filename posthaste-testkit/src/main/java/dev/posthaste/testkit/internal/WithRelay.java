package dev.posthaste.testkit.internal;

import dev.posthaste.Event;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.internal.ManualRelay;
import dev.posthaste.relay.internal.RelayTesting;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** A relay that moves when the test calls it, and a broker whose answers the test chooses. */
abstract class WithRelay extends DatabaseContract {
    static final UnaryOperator<OutboxDefinition> QUICK =
            o -> o.retry(RetryPolicy.fixed(Duration.ofMillis(50)).attempts(3));

    final RecordingBroker broker = new RecordingBroker();
    final SettableClock clock = new SettableClock();

    WithRelay(DatabaseSource source) {
        super(source);
    }

    /** Writes and commits one event, whose payload is {@code text} as it is. */
    @Override
    protected void write(String key, String text) throws Exception {
        write(Event.of(TYPE, key, text));
    }

    final Relay.Builder builder(String name) {
        return builder(name, QUICK);
    }

    /** A relay with outboxes defined by {@code policy}. */
    final Relay.Builder builder(String name, UnaryOperator<OutboxDefinition> policy) {
        return RelayTesting.clock(
                Relay.builder(dataSource, catalog.all(policy), broker).name(name), clock);
    }

    final ManualRelay relay() {
        return RelayTesting.manual(builder("me"));
    }

    final void pump(ManualRelay relay, String what, BooleanSupplier done) {
        until(what, relay::pass, done);
    }

    final void pumpUntilArrived(ManualRelay relay, int count) {
        pump(relay, count + " events arrive", () -> broker.arrived().size() >= count);
        pump(relay, "everything is settled", () -> store.backlog().pending() == 0);
    }

    static List<String> numbers(int from, int to) {
        return IntStream.range(from, to).mapToObj(Integer::toString).toList();
    }
}
