/**
 * What a broker is to Posthaste: {@link dev.posthaste.broker.Broker} takes messages, {@link
 * dev.posthaste.broker.SubscribableBroker} brings them too, {@link dev.posthaste.broker.LocalBroker} does without a server.
 */
@NullMarked
package dev.posthaste.broker;

import org.jspecify.annotations.NullMarked;
