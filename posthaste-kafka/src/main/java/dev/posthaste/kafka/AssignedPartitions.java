package dev.posthaste.kafka;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The partitions that a member of a group has at present: pauses those with enough messages waiting, commits what was
 * handled, and gives partitions up when the group takes them away.
 *
 * <p>Confined to the polling thread; {@link PartitionProgress} is what the consumer's threads share with it.
 */
final class AssignedPartitions {
    private static final Logger log = LoggerFactory.getLogger(KafkaSubscription.class);
    private static final Duration REVOKE_TIMEOUT = Duration.ofSeconds(2);

    private final KafkaSettings settings;
    private final String group;
    private final Map<TopicPartition, PartitionProgress> partitions = new HashMap<>();
    private final Set<TopicPartition> paused = new HashSet<>();
    /** The bytes of what was read and is not answered yet. */
    private final AtomicLong waitingBytes = new AtomicLong();

    AssignedPartitions(KafkaSettings settings, String group) {
        this.settings = settings;
        this.group = group;
    }

    Set<TopicPartition> all() {
        return partitions.keySet();
    }

    /** Null for a partition that the group has taken away. */
    @Nullable
    PartitionProgress progress(TopicPartition partition) {
        return partitions.get(partition);
    }

    /** The membership is over, and its consumer is closed. */
    void clear() {
        partitions.values().forEach(PartitionProgress::revoke);
        partitions.clear();
        paused.clear();
    }

    /**
     * Fetches no more from a partition that has enough waiting, while polling continues: polling is what keeps the
     * membership.
     *
     * @param closing whether nothing more is to be fetched at all
     */
    void pauseAndResume(Consumer<?, ?> consumer, boolean closing) {
        long share = settings.waitingBytes() / 2 / Math.max(1, partitions.size());
        boolean full = waitingBytes.get() >= settings.waitingBytes()
                && !partitions.values().stream().allMatch(PartitionProgress::isIdle);
        for (Map.Entry<TopicPartition, PartitionProgress> each : partitions.entrySet()) {
            TopicPartition partition = each.getKey();
            PartitionProgress progress = each.getValue();
            boolean isPaused = paused.contains(partition);
            if (!isPaused && (closing || full || progress.hasWaiting(settings.prefetch() - 1, share - 1))) {
                consumer.pause(List.of(partition));
                paused.add(partition);
            } else if (isPaused && !closing && !full && !progress.hasWaiting(settings.prefetch() / 2, share / 2)) {
                consumer.resume(List.of(partition));
                paused.remove(partition);
            }
        }
    }

    /** The subscription is closing: no further attempt may start. */
    void startNoMore() {
        partitions.values().forEach(PartitionProgress::revoke);
    }

    boolean anyRunning() {
        return partitions.values().stream().anyMatch(PartitionProgress::isRunning);
    }

    /** Commits all partitions and returns immediately. */
    void commit(Consumer<?, ?> consumer) {
        commit(consumer, partitions.keySet(), false);
    }

    /** Commits all partitions and waits, within a bound, until that is done. */
    void commitAndWait(Consumer<?, ?> consumer) {
        commit(consumer, partitions.keySet(), true);
    }

    private void commit(Consumer<?, ?> consumer, Collection<TopicPartition> of, boolean wait) {
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
                consumer.commitSync(offsets, REVOKE_TIMEOUT);
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

    /** The next commit tries again. If there is none, the messages come again and are found to have been handled. */
    private void uncommitted(Map<TopicPartition, OffsetAndMetadata> offsets, Exception failure) {
        log.debug("Group {} could not commit {}", group, offsets, failure);
        offsets.keySet().forEach(partition -> {
            PartitionProgress progress = partitions.get(partition);
            if (progress != null) {
                progress.commitFailed();
            }
        });
    }

    /** For {@code subscribe}: {@code poll} and {@code close} call it on the polling thread. */
    ConsumerRebalanceListener rebalanceOf(Consumer<?, ?> consumer) {
        return new Rebalance(consumer);
    }

    private final class Rebalance implements ConsumerRebalanceListener {
        private final Consumer<?, ?> consumer;

        Rebalance(Consumer<?, ?> consumer) {
            this.consumer = consumer;
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> added) {
            added.forEach(partition -> partitions.put(partition, new PartitionProgress(waitingBytes)));
            consumer.resume(added); // the client remembers pauses, even if a partition was away only for a moment
            paused.removeAll(added);
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> taken) {
            long end = System.nanoTime() + REVOKE_TIMEOUT.toNanos();
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
            paused.removeAll(taken);
        }

        /** Another member has them already: nothing may be committed. */
        @Override
        public void onPartitionsLost(Collection<TopicPartition> lost) {
            for (TopicPartition partition : lost) {
                PartitionProgress progress = partitions.remove(partition);
                if (progress != null) {
                    progress.revoke();
                }
            }
            paused.removeAll(lost);
        }
    }
}
