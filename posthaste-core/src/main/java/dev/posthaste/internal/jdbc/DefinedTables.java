package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The parts of an outbox's definition that Posthaste reads, and applications do not. The definition's class supplies it
 * when it is loaded, so that none of it is visible there.
 */
public abstract class DefinedTables {
    private static final AtomicReference<DefinedTables> SUPPLIED = new AtomicReference<>();

    protected DefinedTables() {}

    /** Called once, by the definition's class. */
    public static void supply(DefinedTables tables) {
        SUPPLIED.set(tables);
    }

    static DefinedTables supplied() {
        return Objects.requireNonNull(SUPPLIED.get()); // a definition exists, so its class has been loaded
    }

    /** The outbox's table and layout as statements need them. */
    protected abstract EventTable eventTable(OutboxDefinition outbox);

    /** The table that was meant until 1.0 where none was set; null if one was set, or the name cannot be a table's. */
    protected abstract @Nullable String formerTable(OutboxDefinition outbox);
}
