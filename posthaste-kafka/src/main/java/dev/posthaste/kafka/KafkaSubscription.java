package dev.posthaste.kafka;

import dev.posthaste.Route;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.Subscription;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds a receiver from a topic, as a member of a consumer group. An offset is committed once every message before it has
 * been handled. A message that fails is retried in place while the member continues to poll, so a slow handler never costs
 * the member its partitions. A message that is given up goes to the group's dead-letter topic first, as it came; for a
 * record that cannot be read, its offset does.
 *
 * <p>The messages in memory are bounded in number and in bytes ({@link KafkaSettings}). Half of the bytes are divided
 * among the partitions, so that a stuck partition leaves room for the others.
 *
 * <p>When partitions move to another member, the messages that wait here are dropped, running handlers get 2 s to finish,
 * and the offsets of what was handled are committed. The other member handles the rest: with an inbox, once in effect.
 *
 * <p>One thread ({@code posthaste-kafka-GROUP}) polls; the receiver's threads handle. Thread-safe.
 */
final class KafkaSubscription implements Subscription {
    private static final Logger log = LoggerFactory.getLogger(KafkaSubscription.class);
    private static final Duration POLL = Duration.ofMillis(50);
    private static final long COMMIT_NANOS = 100_000_000L;
    private static final long FIRST_WAIT_MILLIS = 100;
    private static final long MAX_WAIT_MILLIS = 5_000;
    /** How long a close waits for running handlers. */
    private static final long FINISH_NANOS = 5_000_000_000L;
    /** How long it waits in total: for them, for a commit, and for leaving the group. */
    static final long CLOSE_NANOS = 2 * FINISH_NANOS;
    /** How long it then waits for an interrupted thread. */
    private static final long INTERRUPTED_NANOS = 1_000_000_000L;

    private final KafkaSettings settings;
    private final Route route;
    private final String topic;
    private final String group;
    private final Receiver receiver;
    private final TopicCreation creation;
    private final Consumer<KafkaSubscription> whenClosed;
    private final Thread thread;
    private final KafkaDeadLetters deadLetters;

    private final Object state = new Object();
    private boolean started; // guarded by state
    private boolean ended; // guarded by state
    private volatile boolean closing;
    private volatile boolean closed;
    private volatile boolean member;
    private volatile @Nullable KafkaConsumer<byte[], byte[]> open;

    // Confined to the polling thread.
    private final AssignedPartitions partitions;
    private long nextCommit = System.nanoTime();
    private long wait = FIRST_WAIT_MILLIS;
    private boolean checked;

    /**
     * @param route names the topic and the group
     * @param creation what creates the topics, if anything does
     * @throws IllegalArgumentException if the route names no group
     */
    KafkaSubscription(
            KafkaSettings settings,
            Route route,
            Receiver receiver,
            TopicCreation creation,
            Consumer<KafkaSubscription> whenClosed) {
        String named = route.group();
        if (named == null) {
            throw new IllegalArgumentException("To subscribe to topic " + route.destination()
                    + ", its route needs a group: Route.topic(…).group(…)");
        }
        this.settings = settings;
        this.route = route;
        this.topic = route.destination();
        this.group = named;
        this.receiver = receiver;
        this.creation = creation;
        this.whenClosed = whenClosed;
        this.deadLetters = new KafkaDeadLetters(settings, group);
        this.partitions = new AssignedPartitions(settings, group);
        this.thread = new Thread(this::receive, "posthaste-kafka-" + group);
        thread.setDaemon(true);
    }

    void start() {
        creation.add(route);
        synchronized (state) {
            if (!started && !closing) {
                started = true;
                thread.start();
            }
        }
    }

    @Override
    public boolean healthy() {
        return !closing && member && thread.isAlive();
    }

    // --- Polling -----------------------------------------------------------------------------------------------------

    /** Whatever is thrown, Error included, ends a member of the group and not the thread: the next member is opened. */
    private void receive() {
        while (!closing) {
            try {
                creation.awaitAttempt(route, () -> closing);
                receiveAsMember();
            } catch (Throwable e) {
                // Thrown while another failure was being reported: most likely the heap is full.
            }
        }
    }

    private void receiveAsMember() {
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                settings.consumerProperties(group), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            open = consumer;
            consumer.subscribe(List.of(topic), partitions.rebalanceOf(consumer));
            log.info("Group {} receives from topic {} of Kafka at {}", group, topic, settings.bootstrapServers());
            while (!closing) {
                poll(consumer);
                wait = FIRST_WAIT_MILLIS;
            }
            finish(consumer);
        } catch (WakeupException | InterruptException e) {
            // This subscription is closing, or something interrupted the thread by mistake.
        } catch (Throwable e) {
            log.warn(
                    "Group {} cannot receive from topic {} of Kafka at {}; retrying in {} ms: {}",
                    group,
                    topic,
                    settings.bootstrapServers(),
                    wait,
                    Outcomes.reason(e));
        } finally {
            member = false;
            open = null;
            partitions.clear();
            pause();
        }
    }

    /** Keeps polling while handlers are running, so that this stays a member, then commits what they have handled. */
    private void finish(KafkaConsumer<byte[], byte[]> consumer) throws Exception {
        partitions.startNoMore();
        long end = System.nanoTime() + FINISH_NANOS;
        while (partitions.anyRunning() && System.nanoTime() - end < 0) {
            poll(consumer);
        }
        partitions.commitAndWait(consumer);
    }

    private void pause() {
        Thread.interrupted(); // only close() ends this thread
        try {
            synchronized (state) {
                if (!closing) {
                    state.wait(wait);
                }
            }
        } catch (InterruptedException e) {
            // As above.
        }
        wait = Math.min(wait * 2, MAX_WAIT_MILLIS);
    }

    private void poll(KafkaConsumer<byte[], byte[]> consumer) throws Exception {
        partitions.pauseAndResume(consumer, closing);
        for (ConsumerRecord<byte[], byte[]> record : next(consumer)) {
            TopicPartition partition = new TopicPartition(record.topic(), record.partition());
            PartitionProgress progress = partitions.progress(partition);
            if (progress != null && !closing) {
                progress.begin(record.offset(), KafkaMessages.memory(record));
                receiver.accept(new KafkaDelivery(partition, record, progress));
            }
        }
        long now = System.nanoTime();
        if (now - nextCommit >= 0) {
            nextCommit = now + COMMIT_NANOS;
            partitions.commit(consumer);
            member = consumer.groupMetadata().generationId() >= 0;
            if (member && !checked) {
                checked = true;
                deadLetters.check(topic);
            }
        }
    }

    private ConsumerRecords<byte[], byte[]> next(KafkaConsumer<byte[], byte[]> consumer) throws Exception {
        try {
            return consumer.poll(POLL);
        } catch (RuntimeException e) {
            if (!RecordProbe.isOfRecord(e)) {
                throw e;
            }
            passUnreadable(consumer, e);
            return ConsumerRecords.empty();
        }
    }

    /**
     * Skips records that cannot be read, once their offsets are in the dead-letter topic. Until they are skipped, every
     * poll fails in the same way and brings no messages of other partitions either.
     */
    private void passUnreadable(KafkaConsumer<byte[], byte[]> consumer, RuntimeException failure) throws Exception {
        RecordProbe.Unreadable found;
        try (RecordProbe probe = new RecordProbe(settings)) {
            found = probe.find(RecordProbe.positions(consumer, partitions.all()));
        }
        if (found == null) {
            throw failure; // a new member may succeed
        }
        String reason = "it cannot be read: " + Outcomes.reason(found.failure());
        log.error(
                "Group {}: offsets {} to {} of {} cannot be read and are skipped: {}",
                group,
                found.first(),
                found.last(),
                found.partition(),
                Outcomes.reason(found.failure()));
        deadLetters.publish(
                found,
                Failure.of(receiver.name(), reason).cause(found.failure()).attempts(RecordProbe.TRIES));
        consumer.seek(found.partition(), found.last() + 1);
        PartitionProgress progress = partitions.progress(found.partition());
        if (progress != null) {
            progress.passed(found.last());
        }
    }

    // --- Deliveries --------------------------------------------------------------------------------------------------

    /** One message of one partition. */
    private final class KafkaDelivery implements Delivery {
        private final TopicPartition partition;
        private final ConsumerRecord<byte[], byte[]> record;
        private final long offset;
        private final Message message;
        private final PartitionProgress progress;

        KafkaDelivery(TopicPartition partition, ConsumerRecord<byte[], byte[]> record, PartitionProgress progress) {
            this.partition = partition;
            this.record = record;
            this.offset = record.offset();
            this.message = KafkaMessages.message(record);
            this.progress = progress;
        }

        @Override
        public Message message() {
            return message;
        }

        @Override
        public Object lane() {
            return settings.partitionOrder() ? partition : Delivery.super.lane();
        }

        @Override
        public boolean wanted() {
            return progress.start(offset);
        }

        @Override
        public void attemptEnded() {
            progress.stop(offset);
        }

        @Override
        public void done() {
            progress.done(offset);
        }

        @Override
        public void deadLetter(Failure failure) throws Exception {
            if (closed) {
                abandoned(); // the message is redelivered to another member and is given up there
                return;
            }
            deadLetters.publish(record, failure);
            done();
        }

        @Override
        public void abandoned() {
            progress.abandon(offset);
        }
    }

    @Override
    public void close() {
        stop();
        close(System.nanoTime() + CLOSE_NANOS);
    }

    /** Tells the thread to start nothing more, wait for handlers, commit, and leave the group. */
    void stop() {
        synchronized (state) {
            closing = true;
            state.notifyAll();
        }
    }

    /**
     * Like {@link #close()}, after {@link #stop}.
     *
     * @param deadline until when the thread is waited for, on the clock of {@link System#nanoTime}
     */
    void close(long deadline) {
        synchronized (state) {
            if (ended) {
                return;
            }
            ended = true;
        }
        try {
            thread.join(millisUntil(deadline));
            closed = true;
            KafkaConsumer<byte[], byte[]> current = open;
            if (thread.isAlive() && current != null) {
                current.wakeup();
            }
            thread.interrupt();
            thread.join(millisUntil(deadline + INTERRUPTED_NANOS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        closed = true;
        deadLetters.close();
        whenClosed.accept(this);
    }

    /** At least 1, because 0 would be no limit. */
    private static long millisUntil(long end) {
        return Math.max(1, TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime()));
    }
}
