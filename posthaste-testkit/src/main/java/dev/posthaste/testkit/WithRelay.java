package dev.posthaste.testkit;

import dev.posthaste.RetryPolicy;
import dev.posthaste.relay.ManualRelay;
import dev.posthaste.relay.OutboxPolicy;
import dev.posthaste.relay.Relay;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/** A relay that moves when it is told to, and a broker that answers as the test says. */
abstract class WithRelay extends DatabaseContract {
    static final OutboxPolicy QUICK = OutboxPolicy.defaults().withRetry(RetryPolicy.fixed(Duration.ofMillis(50), 3));

    final RecordingBroker broker = new RecordingBroker();
    final SettableClock clock = new SettableClock();

    final Relay.Builder builder(String name) {
        return Relay.builder(dataSource, catalog)
                .name(name)
                .broker(broker)
                .policy(QUICK)
                .clock(clock);
    }

    final ManualRelay relay() {
        return builder("me").buildManual();
    }

    final void pump(ManualRelay relay, String what, BooleanSupplier done) {
        until(what, relay::pass, done);
    }

    final void pumpUntilArrived(ManualRelay relay, int count) {
        pump(relay, count + " events arrive", () -> broker.arrived().size() >= count);
        pump(relay, "everything is settled", () -> journal.backlog().pending() == 0);
    }

    static List<String> numbers(int from, int to) {
        return IntStream.range(from, to).mapToObj(Integer::toString).toList();
    }
}
