package dev.posthaste.tests;

import dev.posthaste.servers.Database;
import dev.posthaste.servers.FreshDatabases;
import dev.posthaste.testkit.internal.AdminBesideRelaysContract;
import dev.posthaste.testkit.internal.AdminCombinationsContract;
import dev.posthaste.testkit.internal.AdminContract;
import dev.posthaste.testkit.internal.ConsumptionContract;
import dev.posthaste.testkit.internal.DatabaseSource;
import dev.posthaste.testkit.internal.DatabaseStores;
import dev.posthaste.testkit.internal.InboxContract;
import dev.posthaste.testkit.internal.LeaseContract;
import dev.posthaste.testkit.internal.OperatorContract;
import dev.posthaste.testkit.internal.OwnershipContract;
import dev.posthaste.testkit.internal.ReceiptContract;
import dev.posthaste.testkit.internal.RelayContract;
import dev.posthaste.testkit.internal.RelayOrderContract;
import dev.posthaste.testkit.internal.ReplayContract;
import dev.posthaste.testkit.internal.RowReceiptContract;
import dev.posthaste.testkit.internal.RowRelayContract;
import dev.posthaste.testkit.internal.RowStoreContract;
import dev.posthaste.testkit.internal.StoreContract;
import dev.posthaste.testkit.internal.WriterContract;
import org.junit.jupiter.api.Nested;

/** The contracts of stores and inboxes, including those of the store that keeps statuses in rows, on every database. */
abstract class DatabaseTests {
    private final DatabaseSource source;

    DatabaseTests(Database kind) {
        FreshDatabases databases = new FreshDatabases(kind);
        this.source = DatabaseSource.of(databases::create, databases::drop);
    }

    @Nested
    class Store extends StoreContract {
        Store() {
            super(new DatabaseStores(source));
        }
    }

    @Nested
    class RowStore extends RowStoreContract {
        RowStore() {
            super(source);
        }
    }

    @Nested
    class Writers extends WriterContract {
        Writers() {
            super(source);
        }
    }

    @Nested
    class Leases extends LeaseContract {
        Leases() {
            super(source);
        }
    }

    @Nested
    class Inboxes extends InboxContract {
        Inboxes() {
            super(source);
        }
    }

    @Nested
    class ReceiptsOf extends ReceiptContract {
        ReceiptsOf() {
            super(new DatabaseStores(source));
        }
    }

    @Nested
    class RowReceipts extends RowReceiptContract {
        RowReceipts() {
            super(source);
        }
    }

    @Nested
    class Consumption extends ConsumptionContract {
        Consumption() {
            super(source);
        }
    }

    @Nested
    class Owners extends OwnershipContract {
        Owners() {
            super(source);
        }
    }

    @Nested
    class OperatorsOf extends OperatorContract {
        OperatorsOf() {
            super(new DatabaseStores(source));
        }
    }

    @Nested
    class Operators extends AdminContract {
        Operators() {
            super(source);
        }
    }

    @Nested
    class OperatorsBesideOthers extends AdminCombinationsContract {
        OperatorsBesideOthers() {
            super(source);
        }
    }

    @Nested
    class OperatorsBesideRelays extends AdminBesideRelaysContract {
        OperatorsBesideRelays() {
            super(source);
        }
    }

    @Nested
    class Replays extends ReplayContract {
        Replays() {
            super(source);
        }
    }

    @Nested
    class Relays extends RelayContract {
        Relays() {
            super(source);
        }
    }

    @Nested
    class RelaysInOrder extends RelayOrderContract {
        RelaysInOrder() {
            super(source);
        }
    }

    @Nested
    class RowRelays extends RowRelayContract {
        RowRelays() {
            super(source);
        }
    }
}
