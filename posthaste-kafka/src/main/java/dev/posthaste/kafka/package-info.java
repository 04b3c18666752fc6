/**
 * Kafka: {@link dev.posthaste.kafka.KafkaBroker} publishes and subscribes, {@link dev.posthaste.kafka.KafkaSettings} says
 * where and how.
 */
@NullMarked
package dev.posthaste.kafka;

import org.jspecify.annotations.NullMarked;
