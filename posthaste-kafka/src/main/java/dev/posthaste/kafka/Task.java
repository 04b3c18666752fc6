package dev.posthaste.kafka;

import org.jspecify.annotations.Nullable;

/** What the publisher's thread does next. */
sealed interface Task {
    /** A message came. */
    record Begin(Publication publication) implements Task {}

    /** Clients were made, or could not be. */
    record Connected(KafkaClients.Made made) implements Task {}

    /** A topic was looked up. */
    record Found(String topic, long question, TopicLookup.Answer answer) implements Task {}

    /** Kafka was asked whether it is there. */
    record Probed(@Nullable Throwable failure) implements Task {}

    /**
     * The client has answered for a record.
     *
     * @param again whether the record is to be sent again by itself
     */
    record Answered(Handover handover, @Nullable Exception failure, long at, boolean again) implements Task {}

    /** The broker was closed. */
    record Stop() implements Task {}
}
