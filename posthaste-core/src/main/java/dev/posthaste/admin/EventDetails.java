package dev.posthaste.admin;

import dev.posthaste.store.StoredEvent;

/**
 * One event with everything that its row holds.
 *
 * @param stored headers, payload, and what stands in the way of a message
 */
public record EventDetails(FoundEvent event, StoredEvent stored) {}
