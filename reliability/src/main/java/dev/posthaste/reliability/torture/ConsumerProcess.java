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
    private static final int THREADS_ON_ONE_WRITER = 2;

    private final Path mood;
    private final HandlerHistory history;
    private final AtomicLong handled = new AtomicLong();
    private final AtomicLong duplicates = new AtomicLong();
    private volatile double failing;
    private volatile int dawdlingMillis;

    private final Setup setup;

    ConsumerProcess(Setup setup, String name) throws IOException {
        this.setup = setup;
        this.mood = setup.home().resolve(MOOD);
        this.history = new HandlerHistory(setup.home(), name);
    }

    public static void main(String[] arguments) throws Exception {
        Setup setup = Setup.of(arguments);
        Consumer consumer = new ConsumerProcess(setup, arguments[5]).start();
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
        Thread.currentThread().join();
    }

    /** The consumer, while a thread reads its mood and says how much it has handled. */
    Consumer start() {
        int threads = setup.isSqlite() ? THREADS_ON_ONE_WRITER : THREADS;
        HikariDataSource dataSource = setup.pool(threads + 2);
        Inbox inbox = Inbox.builder(dataSource)
                .consumer("shipping")
                .on(Setup.TYPE, String.class, this::handle)
                .receipts(
                        setup.wire().tracks()
                                ? Receipts.inDatabase(dataSource, setup.catalog(), Setup.RETRY)
                                : Receipts.NONE)
                .build();
        ConsumerSettings settings = ConsumerSettings.defaults()
                .withThreads(threads)
                .withRetry(RetryPolicy.forever(Duration.ofMillis(50), Duration.ofSeconds(1)));
        Thread mood = new Thread(this::readMoods, "mood");
        mood.setDaemon(true);
        mood.start();
        return new Consumer(inbox, settings, listener());
    }

    private void readMoods() {
        try {
            while (true) {
                readMood();
                System.out.println("COUNTS " + handled.get() + " " + duplicates.get());
                Thread.sleep(250);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
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
