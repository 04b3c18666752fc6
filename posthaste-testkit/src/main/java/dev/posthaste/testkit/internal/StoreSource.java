package dev.posthaste.testkit.internal;

import dev.posthaste.OutboxDefinition;

/** Where the contracts get their stores: a new and empty one for each test. One test at a time uses it. */
public interface StoreSource {
    /** Makes an empty store of {@code outbox}. */
    OpenStore open(OutboxDefinition outbox) throws Exception;

    /** Removes what {@link #open} made. */
    void close() throws Exception;
}
