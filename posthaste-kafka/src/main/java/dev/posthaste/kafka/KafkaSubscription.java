package dev.posthaste.kafka;

import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Subscription;
import dev.posthaste.inbox.Delivery;
import dev.posthaste.inbox.Failure;
import dev.posthaste.inbox.Receiver;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds a consumer from a topic, as a member of a consumer group. An offset is committed after every message up to it was
 * handled. What fails is tried again in place while the member goes on polling, so that a slow handler never costs it its
 * partitions; what is given up goes to the group's dead-letter topic first, as it came. So does the place of a record that
 * nobody can read.
 *
 * <p>What waits in memory is bounded in messages and in bytes ({@link KafkaSettings}). Half of the bytes is shared out to the
 * partitions, so that those that are stuck leave room for the others.
 *
 * <p>When partitions go to another member, what waits here is dropped, what runs is waited for within a bound, and what was
 * handled is committed; anything in between is handled by the other member, once in effect through the inbox.
 *
 * <p>One thread ({@code posthaste-kafka-GROUP}) polls; the consumer's threads handle. Thread-safe.
 */
public final class KafkaSubscription implements Subscription {
    private static final Logger log = LoggerFactory.getLogger(KafkaSubscription.class);
    private static final Duration POLL = Duration.ofMillis(50);
    private static final long COMMIT_NANOS = 100_000_000L;
    private static final Duration HAND_OVER = Duration.ofSeconds(2);
    private static final long FIRST_WAIT_MILLIS = 100;
    private static final long LONGEST_WAIT_MILLIS = 5_000;

    private final KafkaSettings settings;
    private final String topic;
    private final String group;
    private final Order order;
    private final Receiver receiver;
    private final Thread thread;
    private final KafkaDeadLetters deadLetters;
    /** Of what was read and is not answered yet. */
    private final AtomicLong waitingBytes = new AtomicLong();

    private final Object state = new Object();
    private boolean started; // guarded by state
    private volatile boolean closing;
    private volatile boolean closed;
    private volatile boolean member;
    private volatile @Nullable KafkaConsumer<byte[], byte[]> open;

    // Confined to the polling thread.
    private final Map<TopicPartition, PartitionProgress> partitions = new HashMap<>();
    private final Set<TopicPartition> heldBack = new HashSet<>();
    private long nextCommit = System.nanoTime();
    private long wait = FIRST_WAIT_MILLIS;
    private boolean checked;

    /** Which messages wait for one another. */
    public enum Order {
        /** Those of one key; a failing key delays only itself. Messages without a key wait for nobody. */
        KEY,
        /** All of one partition, in the order of their offsets. */
        PARTITION
    }

    /** In order of keys. */
    public KafkaSubscription(KafkaSettings settings, Route route, Receiver receiver) {
        this(settings, route, Order.KEY, receiver);
    }

    /**
     * @param route names the topic and the group
     * @param receiver closed together with this subscription
     */
    public KafkaSubscription(KafkaSettings settings, Route route, Order order, Receiver receiver) {
        this.settings = settings;
        this.topic = route.destination();
        this.group = Objects.requireNonNull(route.group(), "a subscription needs a route with a group");
        this.order = order;
        this.receiver = receiver;
        this.deadLetters = new KafkaDeadLetters(settings, group);
        this.thread = new Thread(this::receive, "posthaste-kafka-" + group);
        thread.setDaemon(true);
    }

    @Override
    public void start() {
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

    /** Whatever is thrown, Error included, ends a member of the group and not the thread: the next one is opened. */
    private void receive() {
        while (!closed) {
            try {
                receiveAsMember();
            } catch (Throwable e) {
                // Thrown while another failure was reported: the heap is full, most likely.
            }
        }
    }

    private void receiveAsMember() {
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                settings.consumerProperties(group), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            open = consumer;
            consumer.subscribe(List.of(topic), new Rebalance(consumer));
            log.info("Group {} receives from topic {} of Kafka at {}", group, topic, settings.bootstrapServers());
            while (!closed) {
                poll(consumer);
                wait = FIRST_WAIT_MILLIS;
            }
            commit(consumer, partitions.keySet(), true);
        } catch (WakeupException | InterruptException e) {
            // closing, or else somebody interrupted this thread by mistake
        } catch (Throwable e) {
            log.warn(
                    "Group {} cannot receive from topic {} of Kafka at {}, next try in {} ms: {}",
                    group,
                    topic,
                    settings.bootstrapServers(),
                    wait,
                    Outcomes.reason(e));
        } finally {
            member = false;
            open = null;
            partitions.values().forEach(PartitionProgress::revoke);
            partitions.clear();
            heldBack.clear();
            pause();
        }
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
            // the same
        }
        wait = Math.min(wait * 2, LONGEST_WAIT_MILLIS);
    }

    private void poll(KafkaConsumer<byte[], byte[]> consumer) throws Exception {
        holdBack(consumer);
        for (ConsumerRecord<byte[], byte[]> record : next(consumer)) {
            TopicPartition partition = new TopicPartition(record.topic(), record.partition());
            PartitionProgress progress = partitions.get(partition);
            if (progress != null && !closing) {
                progress.begin(record.offset(), KafkaMessages.memory(record));
                receiver.accept(new KafkaDelivery(partition, record, progress));
            }
        }
        long now = System.nanoTime();
        if (now - nextCommit >= 0) {
            nextCommit = now + COMMIT_NANOS;
            commit(consumer, partitions.keySet(), false);
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
     * Leaves behind what nobody can read, once its place is in the dead-letter topic. Until then the client would say
     * nothing but this of it, and bring no other partition's messages either.
     */
    private void passUnreadable(KafkaConsumer<byte[], byte[]> consumer, RuntimeException failure) throws Exception {
        RecordProbe.Unreadable found;
        try (RecordProbe probe = new RecordProbe(settings)) {
            found = probe.find(RecordProbe.positions(consumer, partitions.keySet()));
        }
        if (found == null) {
            throw failure; // a new member may do better
        }
        String reason = "it cannot be read: " + Outcomes.reason(found.failure());
        log.error(
                "Group {}: offsets {} to {} of {} cannot be read and are passed over: {}",
                group,
                found.first(),
                found.last(),
                found.partition(),
                Outcomes.reason(found.failure()));
        deadLetters.publish(found, new Failure(receiver.name(), reason, found.failure(), RecordProbe.TRIES));
        consumer.seek(found.partition(), found.last() + 1);
        PartitionProgress progress = partitions.get(found.partition());
        if (progress != null) {
            progress.passed(found.last());
        }
    }

    /** Takes no more of a partition that has enough waiting, and goes on polling: that keeps the membership. */
    private void holdBack(KafkaConsumer<byte[], byte[]> consumer) {
        long share = settings.waitingBytes() / 2 / Math.max(1, partitions.size());
        boolean full = waitingBytes.get() >= settings.waitingBytes()
                && !partitions.values().stream().allMatch(PartitionProgress::isIdle);
        for (Map.Entry<TopicPartition, PartitionProgress> each : partitions.entrySet()) {
            TopicPartition partition = each.getKey();
            PartitionProgress progress = each.getValue();
            boolean held = heldBack.contains(partition);
            if (!held && (closing || full || progress.hasWaiting(settings.prefetch() - 1, share - 1))) {
                consumer.pause(List.of(partition));
                heldBack.add(partition);
            } else if (held && !closing && !full && !progress.hasWaiting(settings.prefetch() / 2, share / 2)) {
                consumer.resume(List.of(partition));
                heldBack.remove(partition);
            }
        }
    }

    private void commit(KafkaConsumer<byte[], byte[]> consumer, Collection<TopicPartition> of, boolean wait) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (TopicPartition partition : of) {
            PartitionProgress progress = partitions.get(partition);
            Long offset = progress == null ? null : progress.toCommit();
            if (offset != null) {
                offsets.put(partition, new OffsetAndMetadata(offset));
            }
        }
        if (offsets.isEmpty()) {
            return;
        }
        try {
            if (wait) {
                consumer.commitSync(offsets, HAND_OVER);
            } else {
                consumer.commitAsync(offsets, (done, failure) -> {
                    if (failure != null) {
                        uncommitted(done, failure);
                    }
                });
            }
        } catch (WakeupException | InterruptException e) {
            throw e;
        } catch (KafkaException e) {
            uncommitted(offsets, e);
        }
    }

    /** Tried again with the next commit, or else the messages come again and are found to have been handled. */
    private void uncommitted(Map<TopicPartition, OffsetAndMetadata> offsets, Exception failure) {
        log.debug("Group {} could not commit {}", group, offsets, failure);
        offsets.keySet().forEach(partition -> {
            PartitionProgress progress = partitions.get(partition);
            if (progress != null) {
                progress.commitFailed();
            }
        });
    }

    /** Called by {@code poll} on the polling thread. */
    private final class Rebalance implements ConsumerRebalanceListener {
        private final KafkaConsumer<byte[], byte[]> consumer;

        Rebalance(KafkaConsumer<byte[], byte[]> consumer) {
            this.consumer = consumer;
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> added) {
            added.forEach(partition -> partitions.put(partition, new PartitionProgress(waitingBytes)));
            consumer.resume(added); // the client remembers pauses, if a partition was away for a moment only
            heldBack.removeAll(added);
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> taken) {
            long end = System.nanoTime() + HAND_OVER.toNanos();
            taken.forEach(partition -> {
                PartitionProgress progress = partitions.get(partition);
                if (progress != null) {
                    progress.revoke();
                }
            });
            for (TopicPartition partition : taken) {
                PartitionProgress progress = partitions.get(partition);
                if (progress != null) {
                    progress.awaitRunning(end);
                }
            }
            commit(consumer, taken, true);
            taken.forEach(partitions::remove);
            heldBack.removeAll(taken);
        }

        /** Somebody else has them already: nothing may be committed. */
        @Override
        public void onPartitionsLost(Collection<TopicPartition> lost) {
            for (TopicPartition partition : lost) {
                PartitionProgress progress = partitions.remove(partition);
                if (progress != null) {
                    progress.revoke();
                }
            }
            heldBack.removeAll(lost);
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
            return order == Order.PARTITION ? partition : Delivery.super.lane();
        }

        @Override
        public boolean wanted() {
            return progress.start(offset);
        }

        @Override
        public void done() {
            progress.done(offset);
        }

        @Override
        public void deadLetter(Failure failure) throws Exception {
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
        synchronized (state) {
            if (closing) {
                return;
            }
            closing = true;
            state.notifyAll();
        }
        receiver.close(); // running handlers finish while the thread goes on polling
        closed = true;
        KafkaConsumer<byte[], byte[]> current = open;
        try {
            thread.join(5_000); // it commits and says goodbye to the group
            if (thread.isAlive() && current != null) {
                current.wakeup();
            }
            thread.interrupt();
            thread.join(1_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        deadLetters.close();
    }
}
