package dev.posthaste.kafka;

import dev.posthaste.broker.Outcome;
import java.math.BigDecimal;
import java.time.Duration;
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

/** What a client's exception means for the message. */
final class Outcomes {
    private Outcomes() {}

    /**
     * For a record that the client took. Where nothing better is known it may have been written: the client gives up
     * waiting, a broker does not give up writing (KAFKA-14397). That includes too few replicas, before and after the
     * append: the client tells the last of its attempts only, and an earlier one may have been appended.
     */
    static Outcome of(Throwable failure) {
        if (isRejection(failure)) {
            return Outcome.rejected(reason(failure));
        }
        if (failure instanceof InvalidTimestampException) { // no message is at fault when this machine's clock is
            return new Outcome.Unavailable(
                    "Kafka takes nothing from this machine, whose clock is wrong: " + reason(failure));
        }
        if (isForTheConnection(failure)) {
            return new Outcome.Unavailable(reason(failure));
        }
        return new Outcome.Unknown(reason(failure));
    }

    /** For a topic that could not be looked up, so that nothing was sent. */
    static Outcome ofLookup(String topic, Throwable failure, String servers) {
        if (failure instanceof UnknownTopicOrPartitionException) {
            return Outcome.rejected("topic " + topic + " does not exist");
        }
        if (isRejection(failure)) {
            return Outcome.rejected("topic " + topic + ": " + reason(failure));
        }
        return new Outcome.Unavailable(
                "Kafka at " + servers + " cannot be asked about topic " + topic + ": " + reason(failure));
    }

    private static boolean isRejection(Throwable failure) {
        if (isForTheConnection(failure)) {
            return false; // some of which the client counts among those below
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

    /** Nobody's message is at fault: this client may not speak to this cluster, or not like this. */
    private static boolean isForTheConnection(Throwable failure) {
        return failure instanceof AuthenticationException
                || failure instanceof ClusterAuthorizationException
                || failure instanceof UnsupportedVersionException;
    }

    /**
     * Whether a broker said this of a whole batch, so that it may be true of one of its records only. Nothing of the batch
     * is in the log.
     */
    static boolean isOfItsBatch(Throwable failure) {
        return failure instanceof InvalidRecordException || isTooLarge(failure) || isOfAnother(failure);
    }

    /**
     * Whether another record of the batch was at fault. The client has no type for it; where it changes its words, the
     * outcome is unknown, and the message sent again by whoever sent it.
     */
    static boolean isOfAnother(Throwable failure) {
        return failure.getClass() == KafkaException.class
                && String.valueOf(failure.getMessage()).contains("because it was part of a batch");
    }

    static boolean isTooLarge(Throwable failure) {
        return failure instanceof RecordTooLargeException || failure instanceof RecordBatchTooLargeException;
    }

    /** Whether the producer that said this will never send anything again. */
    static boolean isFatal(Throwable failure) {
        return failure instanceof ProducerFencedException
                || failure instanceof FencedInstanceIdException
                || failure instanceof IllegalStateException
                || isForTheConnection(failure);
    }

    /** As people write it: 4 s, 1.5 s, 250 ms. */
    static String time(Duration time) {
        long millis = time.toMillis();
        return millis < 1000
                ? millis + " ms"
                : BigDecimal.valueOf(millis, 3).stripTrailingZeros().toPlainString() + " s";
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
