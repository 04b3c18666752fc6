/**
 * What the configuration centre and the event bus share, unrelated to outboxes: a command line ({@link DemoCommand}),
 * connections to their database ({@link Pools}), and closing everything in order ({@link Resources}).
 */
@NullMarked
package dev.posthaste.examples.support;

import org.jspecify.annotations.NullMarked;
