package dev.posthaste.tests;

import dev.posthaste.servers.Database;
import dev.posthaste.servers.FreshDatabases;
import dev.posthaste.testkit.AdminBesideRelaysContract;
import dev.posthaste.testkit.AdminCombinationsContract;
import dev.posthaste.testkit.AdminContract;
import dev.posthaste.testkit.ConsumptionContract;
import dev.posthaste.testkit.DatabaseSource;
import dev.posthaste.testkit.DatabaseStores;
import dev.posthaste.testkit.InboxContract;
import dev.posthaste.testkit.LeaseContract;
import dev.posthaste.testkit.OperatorContract;
import dev.posthaste.testkit.OwnershipContract;
import dev.posthaste.testkit.ReceiptContract;
import dev.posthaste.testkit.RelayContract;
import dev.posthaste.testkit.RelayOrderContract;
import dev.posthaste.testkit.ReplayContract;
import dev.posthaste.testkit.RowReceiptContract;
import dev.posthaste.testkit.RowRelayContract;
import dev.posthaste.testkit.RowStoreContract;
import dev.posthaste.testkit.StoreContract;
import dev.posthaste.testkit.WriterContract;
import org.junit.jupiter.api.Nested;

/** The contracts of stores and inboxes, and those of the store that keeps statuses in rows, on every database. */
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
