/**
 * Three services on an event bus. Each has its own outbox, topic and consumer group, which a catalog derives from the
 * event type; a handler of the first writes an event of the next in its own transaction; every row ends as consumed,
 * because its handler reports it.
 */
@NullMarked
package dev.posthaste.examples.eventbus;

import org.jspecify.annotations.NullMarked;
