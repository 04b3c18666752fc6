/**
 * Three services on an event bus. Each has an outbox, a topic and a consumer group of its own, found from the event type
 * through a catalog; the handler of the first writes an event of the next in its own transaction; every row ends as
 * consumed, because its handler said so.
 */
@NullMarked
package dev.posthaste.examples.eventbus;

import org.jspecify.annotations.NullMarked;
