/**
 * What the configuration centre and the event bus share, and what has nothing to do with outboxes: a command line ({@link
 * DemoCommand}), connections to their database ({@link Pools}), and the order in which all is closed ({@link Resources}).
 */
@NullMarked
package dev.posthaste.examples.support;

import org.jspecify.annotations.NullMarked;
