package dev.posthaste.kafka;

import org.jspecify.annotations.Nullable;

/** What the publisher's thread does next. Immutable. */
sealed interface Task {
    /** A message came. */
    record Begin(Publication publication) implements Task {}

    /** Clients were made, or could not be. */
    record Connected(KafkaClients.Made made) implements Task {}

    /** A topic was looked up. */
    record Found(String topic, long question, TopicInfo info) implements Task {}

    /** The cluster was asked whether it answers. */
    record Probed(@Nullable Throwable failure) implements Task {}

    /**
     * The client has answered for a record.
     *
     * @param again whether the record is to be sent again alone, so that nothing has been answered yet
     */
    record Answered(PendingSend pending, @Nullable Exception failure, long at, boolean again) implements Task {}

    /** The broker was closed. */
    record Stop() implements Task {}
}
