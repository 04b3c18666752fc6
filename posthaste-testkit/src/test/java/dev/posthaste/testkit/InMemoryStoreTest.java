package dev.posthaste.testkit;

import dev.posthaste.testkit.internal.InMemoryStores;
import dev.posthaste.testkit.internal.OperatorContract;
import dev.posthaste.testkit.internal.ReceiptContract;
import dev.posthaste.testkit.internal.StoreContract;
import org.junit.jupiter.api.Nested;

/** The in-memory store passes every store's contracts: they require nothing that only a table has. */
class InMemoryStoreTest {
    @Nested
    class Store extends StoreContract {
        Store() {
            super(new InMemoryStores());
        }
    }

    @Nested
    class ReceiptsOf extends ReceiptContract {
        ReceiptsOf() {
            super(new InMemoryStores());
        }
    }

    @Nested
    class Operators extends OperatorContract {
        Operators() {
            super(new InMemoryStores());
        }
    }
}
