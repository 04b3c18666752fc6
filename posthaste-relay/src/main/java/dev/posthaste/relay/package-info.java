/**
 * The relay: {@link dev.posthaste.relay.Relay} owns the threads, a pump for each outbox fetches, gates, publishes and
 * settles, {@code Settlement} decides the outcome of an event, {@code Leases} make sure that one relay owns an outbox.
 * {@link dev.posthaste.relay.Replay} publishes events once more, past all of that.
 */
@NullMarked
package dev.posthaste.relay;

import org.jspecify.annotations.NullMarked;
