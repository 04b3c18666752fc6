/**
 * A configuration centre. Releasing or updating a configuration must not fail because its history cannot be written. So
 * the change writes an event to its outbox, and a consumer writes the history from it, exactly once.
 *
 * <p>{@link ConfigCenter} makes the changes, {@link HistoryRecorder} writes the history, {@link Application} connects
 * both to a relay and a broker, {@link WebServer} shows them, {@link Demo} is the command line.
 */
@NullMarked
package dev.posthaste.examples.configcenter;

import org.jspecify.annotations.NullMarked;
