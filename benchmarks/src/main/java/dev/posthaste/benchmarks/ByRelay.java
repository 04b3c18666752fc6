package dev.posthaste.benchmarks;

import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelayListener;
import dev.posthaste.servers.CountingDataSource;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import javax.sql.DataSource;

/** The actual relay with its default settings. */
final class ByRelay {
    private ByRelay() {}

    /** A broker that acknowledges immediately. */
    static final Broker AT_ONCE = new Broker() {
        @Override
        public void publish(Message message, Consumer<Outcome> callback) {
            callback.accept(Outcome.acknowledged());
        }

        @Override
        public boolean healthy() {
            return true;
        }

        @Override
        public void close() {}
    };

    /** Drains the outbox, from the relay's start until the last event is marked; returns the seconds it took. */
    static double drain(Backlog backlog, DataSource pool, Broker broker, int events) throws InterruptedException {
        CountDownLatch drained = new CountDownLatch(1);
        AtomicLong settled = new AtomicLong();
        RelayListener counting = new RelayListener() {
            @Override
            public void settled(String outbox, int batch, int missed, Duration took) {
                if (settled.addAndGet(batch - missed) >= events) {
                    drained.countDown();
                }
            }
        };
        try (Relay relay =
                Relay.builder(pool, backlog.catalog, broker).listener(counting).build()) {
            long start = System.nanoTime();
            relay.start();
            if (!drained.await(10, TimeUnit.MINUTES)) {
                throw new IllegalStateException("The relay settled " + settled + " of " + events + " events");
            }
            return (System.nanoTime() - start) / 1e9;
        }
    }

    /** Statements and commits per second that an idle outbox costs. */
    static double idle(Backlog backlog, DataSource pool, int seconds) throws InterruptedException {
        CountingDataSource counting = new CountingDataSource(pool);
        try (Relay relay = Relay.builder(counting.dataSource(), backlog.catalog, AT_ONCE)
                .build()
                .start()) {
            while (relay.owned().isEmpty()) {
                Thread.sleep(50);
            }
            Thread.sleep(2_000);
            long before = counting.statements();
            long start = System.nanoTime();
            Thread.sleep(seconds * 1_000L);
            return (counting.statements() - before) * 1e9 / (System.nanoTime() - start);
        }
    }
}
