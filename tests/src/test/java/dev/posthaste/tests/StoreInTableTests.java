package dev.posthaste.tests;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.testkit.internal.DatabaseSource;
import dev.posthaste.testkit.internal.DatabaseStores;
import dev.posthaste.testkit.internal.RowStoreContract;
import dev.posthaste.testkit.internal.StoreContract;
import dev.posthaste.testkit.internal.WriterContract;
import org.junit.jupiter.api.Nested;

/**
 * The contracts of the store, for an outbox in a table of its own layout. That of leases is not among them: they have a
 * table of their own, which is the same whatever the outbox's looks like.
 */
abstract class StoreInTableTests {
    final DatabaseSource source;
    final OutboxDefinition inTable;
    private final boolean timesKnowTheirZone;

    /**
     * @param source creates the table, unless Posthaste does
     * @param timesKnowTheirZone whether a time in the table means the same in every session
     */
    StoreInTableTests(DatabaseSource source, OutboxDefinition inTable, boolean timesKnowTheirZone) {
        this.source = source;
        this.inTable = inTable;
        this.timesKnowTheirZone = timesKnowTheirZone;
    }

    @Nested
    class Store extends StoreContract {
        Store() {
            super(new DatabaseStores(source));
        }

        @Override
        protected OutboxDefinition definition() {
            return inTable;
        }
    }

    @Nested
    class RowStore extends RowStoreContract {
        RowStore() {
            super(source);
        }

        @Override
        protected OutboxDefinition definition() {
            return inTable;
        }
    }

    @Nested
    class Writers extends WriterContract {
        Writers() {
            super(source);
        }

        @Override
        protected OutboxDefinition definition() {
            return inTable;
        }

        @Override
        protected boolean timesKnowTheirZone() {
            return timesKnowTheirZone;
        }
    }
}
