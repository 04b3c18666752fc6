package dev.posthaste.tests;

import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.AdminCombinationsContract;
import dev.posthaste.testkit.AdminContract;
import dev.posthaste.testkit.InboxContract;
import dev.posthaste.testkit.OwnershipContract;
import dev.posthaste.testkit.ReceiptContract;
import dev.posthaste.testkit.RelayContract;
import dev.posthaste.testkit.StoreContract;
import javax.sql.DataSource;
import org.junit.jupiter.api.Nested;

/** The contracts of stores and inboxes, on every database. */
abstract class DatabaseTests {
    private final Database kind;

    DatabaseTests(Database kind) {
        this.kind = kind;
    }

    private TestDatabase database;

    private DataSource open() {
        database = DatabaseServer.of(kind).createDatabase();
        return database.dataSource();
    }

    private void drop() {
        database.close();
    }

    @Nested
    class Store extends StoreContract {
        @Override
        protected DataSource newDatabase() {
            return open();
        }

        @Override
        protected void dropDatabase() {
            drop();
        }
    }

    @Nested
    class Inboxes extends InboxContract {
        @Override
        protected DataSource newDatabase() {
            return open();
        }

        @Override
        protected void dropDatabase() {
            drop();
        }
    }

    @Nested
    class ReceiptsOf extends ReceiptContract {
        @Override
        protected DataSource newDatabase() {
            return open();
        }

        @Override
        protected void dropDatabase() {
            drop();
        }
    }

    @Nested
    class Owners extends OwnershipContract {
        @Override
        protected DataSource newDatabase() {
            return open();
        }

        @Override
        protected void dropDatabase() {
            drop();
        }
    }

    @Nested
    class Operators extends AdminContract {
        @Override
        protected DataSource newDatabase() {
            return open();
        }

        @Override
        protected void dropDatabase() {
            drop();
        }
    }

    @Nested
    class OperatorsBesideOthers extends AdminCombinationsContract {
        @Override
        protected DataSource newDatabase() {
            return open();
        }

        @Override
        protected void dropDatabase() {
            drop();
        }
    }

    @Nested
    class Relays extends RelayContract {
        @Override
        protected DataSource newDatabase() {
            return open();
        }

        @Override
        protected void dropDatabase() {
            drop();
        }
    }
}
