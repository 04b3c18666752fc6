package dev.posthaste.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AssignedPartitionsTest {
    private static final TopicPartition ONE = new TopicPartition("t", 0);
    private static final TopicPartition OTHER = new TopicPartition("t", 1);

    private boolean commitsFail;
    private final MockConsumer<byte[], byte[]> consumer = new MockConsumer<>(OffsetResetStrategy.EARLIEST) {
        @Override
        public void commitSync(Map<TopicPartition, OffsetAndMetadata> offsets, Duration timeout) {
            if (commitsFail) {
                throw new TimeoutException("as if");
            }
            super.commitSync(offsets, timeout);
        }
    };
    private final AssignedPartitions partitions =
            new AssignedPartitions(KafkaSettings.of("host:9092").prefetch(4).waitingBytes(1_000), "group");
    private final ConsumerRebalanceListener rebalance = partitions.rebalanceOf(consumer);

    @BeforeEach
    void assign() {
        consumer.assign(List.of(ONE, OTHER));
        rebalance.onPartitionsAssigned(List.of(ONE, OTHER));
    }

    private PartitionProgress progress(TopicPartition partition) {
        return Objects.requireNonNull(partitions.progress(partition));
    }

    private void read(TopicPartition partition, int messages, int bytes) {
        for (int i = 0; i < messages; i++) {
            progress(partition).begin(i, bytes);
        }
        partitions.pauseAndResume(consumer, false);
    }

    private @Nullable Long committed(TopicPartition partition) {
        OffsetAndMetadata committed = consumer.committed(Set.of(partition)).get(partition);
        return committed == null ? null : committed.offset();
    }

    @Test
    void aPartitionWithEnoughWaitingIsPausedUntilHalfOfItIsAnswered() {
        read(ONE, 3, 1);
        assertThat(consumer.paused()).isEmpty();
        read(ONE, 4, 1);
        assertThat(consumer.paused()).containsExactly(ONE);
        progress(ONE).done(0);
        partitions.pauseAndResume(consumer, false);
        assertThat(consumer.paused()).containsExactly(ONE);
        progress(ONE).done(1);
        partitions.pauseAndResume(consumer, false);
        assertThat(consumer.paused()).isEmpty();
    }

    @Test
    void halfOfTheBytesIsSharedOutAndAllArePausedWhenAllAreUsed() {
        read(ONE, 1, 250);
        assertThat(consumer.paused()).containsExactly(ONE);
        read(OTHER, 1, 200);
        assertThat(consumer.paused()).containsExactly(ONE);
        progress(ONE).begin(1, 550);
        partitions.pauseAndResume(consumer, false);
        assertThat(consumer.paused()).containsExactlyInAnyOrder(ONE, OTHER);
    }

    @Test
    void whileItClosesNothingMoreIsFetched() {
        partitions.pauseAndResume(consumer, true);
        assertThat(consumer.paused()).containsExactlyInAnyOrder(ONE, OTHER);
    }

    @Test
    void aPartitionThatIsTakenAwayIsCommittedUpToTheFirstOpenMessageAndStartsNoMore() {
        read(ONE, 3, 1);
        PartitionProgress before = progress(ONE);
        before.done(0);
        before.done(2);
        rebalance.onPartitionsRevoked(List.of(ONE));
        assertThat(committed(ONE)).isEqualTo(1L);
        assertThat(before.start(1)).isFalse();
        assertThat(partitions.all()).containsExactly(OTHER);
        assertThat(partitions.progress(ONE)).isNull();
    }

    @Test
    void aPartitionThatIsLostIsNotCommitted() {
        read(ONE, 1, 1);
        PartitionProgress before = progress(ONE);
        before.done(0);
        rebalance.onPartitionsLost(List.of(ONE));
        assertThat(committed(ONE)).isNull();
        assertThat(before.start(0)).isFalse();
    }

    @Test
    void aCommitThatFailsIsMadeAgain() {
        read(ONE, 1, 1);
        progress(ONE).done(0);
        commitsFail = true;
        partitions.commitAndWait(consumer);
        assertThat(committed(ONE)).isNull();
        commitsFail = false;
        partitions.commitAndWait(consumer);
        assertThat(consumer.committed(Set.of(ONE))).isEqualTo(Map.of(ONE, new OffsetAndMetadata(1)));
    }
}
