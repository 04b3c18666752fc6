package dev.posthaste;

import dev.posthaste.internal.jdbc.DefinedTables;
import dev.posthaste.internal.jdbc.EventTable;
import org.jspecify.annotations.Nullable;

/** Gives Posthaste access to what a definition does not offer to applications. */
final class TableAccess extends DefinedTables {
    @Override
    protected EventTable eventTable(OutboxDefinition outbox) {
        return outbox.eventTable();
    }

    @Override
    protected @Nullable String formerTable(OutboxDefinition outbox) {
        return outbox.formerTable();
    }
}
