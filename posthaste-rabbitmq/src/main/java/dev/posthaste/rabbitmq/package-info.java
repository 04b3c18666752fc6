/**
 * RabbitMQ: {@link dev.posthaste.rabbitmq.RabbitBroker} publishes with confirms and subscribes, {@link
 * dev.posthaste.rabbitmq.RabbitSettings} says where and how.
 */
@NullMarked
package dev.posthaste.rabbitmq;

import org.jspecify.annotations.NullMarked;
