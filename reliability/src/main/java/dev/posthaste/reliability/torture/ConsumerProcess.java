package dev.posthaste.reliability.torture;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Subscription;
import dev.posthaste.inbox.Consumer;
import dev.posthaste.inbox.ConsumerListener;
import dev.posthaste.inbox.ConsumerSettings;
import dev.posthaste.inbox.Context;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.kafka.KafkaSubscription;
import dev.posthaste.rabbitmq.RabbitSubscription;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;

/** A consumer whose handler writes an effect; it fails and dawdles as a file says. SIGTERM closes it. */
final class ConsumerProcess {
    static final String MOOD = "mood";
    private static final int THREADS = 16;

    private final Path mood;
    private final HandlerHistory history;
    private final AtomicLong handled = new AtomicLong();
    private final AtomicLong duplicates = new AtomicLong();
    private volatile double failing;
    private volatile int dawdlingMillis;

    private ConsumerProcess(Path mood, HandlerHistory history) {
        this.mood = mood;
        this.history = history;
    }

    public static void main(String[] arguments) throws Exception {
        Setup setup = Setup.of(arguments);
        ConsumerProcess process =
                new ConsumerProcess(setup.home().resolve(MOOD), new HandlerHistory(setup.home(), arguments[5]));
        HikariDataSource dataSource = setup.pool(THREADS + 2);
        Inbox inbox = Inbox.builder(dataSource)
                .consumer("shipping")
                .on(Setup.TYPE, String.class, process::handle)
                .receipts(
                        setup.wire() == Setup.Wire.KAFKA
                                ? Receipts.inDatabase(dataSource, setup.catalog(), Setup.RETRY)
                                : Receipts.NONE)
                .build();
        ConsumerSettings settings = ConsumerSettings.defaults()
                .withThreads(THREADS)
                .withRetry(RetryPolicy.forever(Duration.ofMillis(50), Duration.ofSeconds(1)));
        Consumer consumer = new Consumer(inbox, settings, process.listener());
        Subscription subscription = setup.wire() == Setup.Wire.KAFKA
                ? new KafkaSubscription(
                        setup.kafka()
                                .withConsumer(Map.of("session.timeout.ms", "6000", "heartbeat.interval.ms", "1000")),
                        setup.wire().route(),
                        consumer)
                : new RabbitSubscription(
                        setup.rabbit(),
                        Objects.requireNonNull(setup.wire().route().group()),
                        500,
                        consumer);
        Runtime.getRuntime().addShutdownHook(new Thread(subscription::close));
        subscription.start();
        while (true) {
            process.readMood();
            System.out.println("COUNTS " + process.handled.get() + " " + process.duplicates.get());
            Thread.sleep(250);
        }
    }

    private void readMood() {
        try {
            String[] words = Files.readString(mood).trim().split(" ");
            failing = Double.parseDouble(words[0]);
            dawdlingMillis = Integer.parseInt(words[1]);
        } catch (IOException | RuntimeException e) {
            failing = 0; // there is none, or it is just being written
            dawdlingMillis = 0;
        }
    }

    private void handle(String payload, Context context) throws Exception {
        history.trying(context.eventId());
        if (ThreadLocalRandom.current().nextDouble() < failing) {
            throw new IllegalStateException("in a bad mood");
        }
        if (dawdlingMillis > 0) {
            Thread.sleep(ThreadLocalRandom.current().nextInt(dawdlingMillis));
        }
        int end = payload.lastIndexOf('|');
        boolean whole = WriterProcess.checksum(payload.substring(0, end)).equals(payload.substring(end + 1));
        String[] parts = payload.split("\\|", 4);
        try (PreparedStatement insert = context.connection()
                .prepareStatement(
                        "insert into effects (event_id, event_key, version, row_id, whole) values (?,?,?,?,?)")) {
            insert.setString(1, context.eventId());
            insert.setInt(2, Integer.parseInt(parts[0]));
            insert.setLong(3, Long.parseLong(parts[1]));
            insert.setLong(
                    4,
                    Long.parseLong(
                            Objects.requireNonNull(context.message().headers().get(MessageHeaders.ROW))));
            insert.setInt(5, whole && parts[2].equals(context.eventId()) ? 1 : 0);
            insert.executeUpdate();
        }
    }

    private ConsumerListener listener() {
        return new ConsumerListener() {
            @Override
            public void handled(String consumer, Message message, long nanos) {
                handled.incrementAndGet();
                history.handled(Objects.requireNonNull(message.eventId()));
            }

            @Override
            public void duplicate(String consumer, Message message) {
                duplicates.incrementAndGet();
            }
        };
    }
}
