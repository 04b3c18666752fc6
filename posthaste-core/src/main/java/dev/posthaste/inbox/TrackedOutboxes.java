package dev.posthaste.inbox;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.store.Receipt;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** The outboxes of a catalog that get receipts. */
record TrackedOutboxes(Map<String, OutboxDefinition> byName) {

    /** @throws IllegalArgumentException if there is none */
    static TrackedOutboxes of(Catalog catalog) {
        Map<String, OutboxDefinition> tracked = catalog.outboxes().stream()
                .filter(OutboxDefinition::tracked)
                .collect(Collectors.toUnmodifiableMap(OutboxDefinition::name, outbox -> outbox));
        if (tracked.isEmpty()) {
            throw new IllegalArgumentException(
                    "No outbox of the catalog is tracked; set tracked(true) on the one whose events this inbox handles");
        }
        return new TrackedOutboxes(tracked);
    }

    OutboxDefinition of(Receipt receipt) {
        return Objects.requireNonNull(byName.get(receipt.outbox()), receipt.outbox());
    }

    Duration longestKeep() {
        return byName.values().stream()
                .map(OutboxDefinition::keep)
                .max(Comparator.naturalOrder())
                .orElseThrow();
    }
}
