package dev.posthaste.internal.store;

import dev.posthaste.Event;
import org.jspecify.annotations.Nullable;

/**
 * An event that is ready to be stored.
 *
 * @param headers as a JSON object of strings, or null for none
 * @param payload as the outbox's layout keeps it
 */
public record NewEvent(Event event, @Nullable String headers, byte[] payload) {}
