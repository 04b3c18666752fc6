/**
 * RabbitMQ: {@link dev.posthaste.rabbitmq.RabbitBroker} publishes with confirms, {@link
 * dev.posthaste.rabbitmq.RabbitSubscription} feeds a consumer, {@link dev.posthaste.rabbitmq.RabbitTopology} declares what
 * a route needs.
 */
@NullMarked
package dev.posthaste.rabbitmq;

import org.jspecify.annotations.NullMarked;
