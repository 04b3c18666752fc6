/**
 * Kafka: {@link dev.posthaste.kafka.KafkaBroker} publishes, {@link dev.posthaste.kafka.KafkaSubscription} feeds a consumer
 * from a consumer group, {@link dev.posthaste.kafka.KafkaTopics} creates what a route needs.
 */
@NullMarked
package dev.posthaste.kafka;

import org.jspecify.annotations.NullMarked;
