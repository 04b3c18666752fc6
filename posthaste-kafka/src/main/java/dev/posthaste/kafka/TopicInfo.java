package dev.posthaste.kafka;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * What a lookup found out about a topic. Immutable.
 *
 * @param failure why nothing is known, or null
 * @param maxBytes the largest message that the topic accepts
 * @param replicas of the partition that has the fewest
 * @param minInSync how many replicas have a message before it counts as acknowledged; 0 where this client may not ask
 */
record TopicInfo(@Nullable Throwable failure, int partitions, long maxBytes, int replicas, int minInSync) {
    static TopicInfo failed(Throwable failure) {
        return new TopicInfo(failure, 0, 0, 0, 0);
    }

    /**
     * Logs what endangers the promises, when a topic is seen for the first time or has changed.
     *
     * @param before what was known about it, or null
     */
    void warn(String topic, @Nullable TopicInfo before, Logger log) {
        if (before != null && before.partitions() != partitions) {
            log.warn(
                    "Topic {} had {} partitions and has {} now: keys move to other partitions, and events of one key that"
                            + " were written before the change may be handled after those written after it",
                    topic,
                    before.partitions(),
                    partitions);
        }
        boolean changed = before == null || before.replicas() != replicas || before.minInSync() != minInSync;
        if (changed && replicas > 1 && minInSync == 1) {
            log.warn(
                    "Topic {} has {} replicas and min.insync.replicas 1: a message counts as acknowledged when one replica"
                            + " has it, and is lost with that one. Set min.insync.replicas to 2 or more",
                    topic,
                    replicas);
        }
    }
}
