package dev.posthaste.kafka;

import dev.posthaste.broker.Outcome;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedForMessageFormatException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.jspecify.annotations.Nullable;

/** What an exception of the client means for the message. */
final class Outcomes {
    private Outcomes() {}

    /**
     * For a record that the client accepted. Unless more is known, it may have been written: the client stops waiting,
     * but a broker does not stop writing (KAFKA-14397). That includes too few replicas, before or after the append: the
     * client reports only the last of its attempts, and an earlier one may have been appended.
     */
    static Outcome of(Throwable failure) {
        if (isRejection(failure)) {
            return Outcome.rejected(reason(failure));
        }
        if (failure instanceof InvalidTimestampException) { // the fault is this machine's clock, not the message
            return Outcome.unavailable(
                    "Kafka accepts nothing from this machine because its clock is wrong: " + reason(failure));
        }
        if (isForTheConnection(failure)) {
            return Outcome.unavailable(reason(failure));
        }
        return Outcome.unknown(reason(failure));
    }

    /** For a topic that could not be looked up; nothing was sent. */
    static Outcome ofLookup(String topic, Throwable failure, String servers) {
        if (failure instanceof UnknownTopicOrPartitionException) {
            return Outcome.rejected("topic " + topic + " does not exist");
        }
        if (isRejection(failure)) {
            return Outcome.rejected("topic " + topic + ": " + reason(failure));
        }
        return Outcome.unavailable(
                "Kafka at " + servers + " did not say whether it has topic " + topic + ": " + reason(failure));
    }

    /** For messages that were not sent because there is no usable client. */
    static Outcome notReached(String servers, @Nullable Throwable failure) {
        return Outcome.unavailable("Kafka at " + servers + " cannot be reached: " + reason(failure));
    }

    private static boolean isRejection(Throwable failure) {
        if (isForTheConnection(failure)) {
            return false; // the client makes some of these subclasses of those below
        }
        return failure instanceof RecordTooLargeException
                || failure instanceof RecordBatchTooLargeException
                || failure instanceof SerializationException
                || failure instanceof InvalidTopicException
                || failure instanceof TopicAuthorizationException
                || failure instanceof InvalidRecordException
                || failure instanceof PolicyViolationException
                || failure instanceof InvalidConfigurationException
                || failure instanceof UnsupportedForMessageFormatException;
    }

    /** No message is at fault: the cluster does not admit this client, or does not speak its protocol. */
    private static boolean isForTheConnection(Throwable failure) {
        return failure instanceof AuthenticationException
                || failure instanceof ClusterAuthorizationException
                || failure instanceof UnsupportedVersionException;
    }

    /**
     * Whether a broker refused a whole batch for this, perhaps because of a single record. Nothing of the batch is in the
     * log.
     */
    static boolean isOfItsBatch(Throwable failure) {
        return failure instanceof InvalidRecordException || isTooLarge(failure) || isOfAnother(failure);
    }

    /**
     * Whether another record of the batch was at fault. The client has no exception type for this. Should its wording
     * change, the outcome is unknown and the relay sends the message again.
     */
    static boolean isOfAnother(Throwable failure) {
        return failure.getClass() == KafkaException.class
                && String.valueOf(failure.getMessage()).contains("because it was part of a batch");
    }

    static boolean isTooLarge(Throwable failure) {
        return failure instanceof RecordTooLargeException || failure instanceof RecordBatchTooLargeException;
    }

    /** Whether the producer that failed like this will never send anything again. */
    static boolean isFatal(Throwable failure) {
        return failure instanceof ProducerFencedException
                || failure instanceof FencedInstanceIdException
                || failure instanceof IllegalStateException
                || isForTheConnection(failure);
    }

    static String reason(@Nullable Throwable failure) {
        if (failure == null) {
            return "no answer";
        }
        Throwable innermost = failure;
        while (innermost.getCause() != null && innermost.getMessage() == null) {
            innermost = innermost.getCause();
        }
        String message = innermost.getMessage();
        String name = innermost.getClass().getSimpleName();
        return message == null
                ? name
                : name + ": " + message.lines().findFirst().orElse("");
    }
}
