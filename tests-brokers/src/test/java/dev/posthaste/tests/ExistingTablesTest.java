package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.Schema;
import dev.posthaste.jdbc.TableLayout;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.ReceiptContract;
import dev.posthaste.testkit.StoreContract;
import java.util.List;
import javax.sql.DataSource;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The store's contract on tables that exist already, each with the layout that stands beside its script. */
class ExistingTablesTest {
    private static final Route ROUTE = Route.to("orders-topic");

    /** In a table that other programs made. */
    private abstract static class Existing extends StoreContract {
        private final Database kind;
        private final ExistingTables table;
        private TestDatabase database;

        Existing(Database kind, ExistingTables table) {
            this.kind = kind;
            this.table = table;
        }

        abstract ExistingTables which();

        @Override
        protected OutboxDefinition definition() {
            return which().outbox("orders", ROUTE, TYPE);
        }

        @Override
        protected DataSource newDatabase() {
            database = DatabaseServer.of(kind).createDatabase();
            return database.dataSource();
        }

        @Override
        protected void createTables() throws Exception {
            table.create(database);
            super.createTables();
        }

        @Override
        protected void dropDatabase() {
            database.close();
        }

        /** They mean what the sessions of the server mean: who writes with another zone says other times. */
        @Override
        protected boolean timesKnowTheirZone() {
            return false;
        }
    }

    private abstract static class OutboxEvents extends Existing {
        OutboxEvents(Database kind) {
            super(kind, ExistingTables.OUTBOX_EVENTS);
        }

        @Override
        ExistingTables which() {
            return ExistingTables.OUTBOX_EVENTS;
        }
    }

    private abstract static class AgentOutboxMessages extends Existing {
        AgentOutboxMessages(Database kind) {
            super(kind, ExistingTables.AGENT_OUTBOX_MESSAGES);
        }

        @Override
        ExistingTables which() {
            return ExistingTables.AGENT_OUTBOX_MESSAGES;
        }
    }

    @Nested
    class OutboxEventsOnMariaDb extends OutboxEvents {
        OutboxEventsOnMariaDb() {
            super(Database.MARIADB);
        }
    }

    @Nested
    class OutboxEventsOnMySql extends OutboxEvents {
        OutboxEventsOnMySql() {
            super(Database.MYSQL);
        }
    }

    @Nested
    class AgentOutboxMessagesOnMariaDb extends AgentOutboxMessages {
        AgentOutboxMessagesOnMariaDb() {
            super(Database.MARIADB);
        }
    }

    @Nested
    class AgentOutboxMessagesOnMySql extends AgentOutboxMessages {
        AgentOutboxMessagesOnMySql() {
            super(Database.MYSQL);
        }
    }

    /** Receipts in the table whose rows end as consumed. */
    private abstract static class ReceiptsInAgentOutboxMessages extends ReceiptContract {
        private final Database kind;
        private TestDatabase database;

        ReceiptsInAgentOutboxMessages(Database kind) {
            this.kind = kind;
        }

        @Override
        protected OutboxDefinition definition() {
            return ExistingTables.AGENT_OUTBOX_MESSAGES
                    .outbox("orders", ROUTE, TYPE)
                    .withReceipts();
        }

        @Override
        protected DataSource newDatabase() {
            database = DatabaseServer.of(kind).createDatabase();
            return database.dataSource();
        }

        @Override
        protected void createTables() throws Exception {
            ExistingTables.AGENT_OUTBOX_MESSAGES.create(database);
            // Its own limit is 20 attempts; the contract counts to three.
            database.execute("alter table agent_outbox_messages alter column max_retry set default 3");
            super.createTables();
        }

        @Override
        protected void dropDatabase() {
            database.close();
        }
    }

    @Nested
    class ReceiptsOnMariaDb extends ReceiptsInAgentOutboxMessages {
        ReceiptsOnMariaDb() {
            super(Database.MARIADB);
        }
    }

    @Nested
    class ReceiptsOnMySql extends ReceiptsInAgentOutboxMessages {
        ReceiptsOnMySql() {
            super(Database.MYSQL);
        }
    }

    /** Debezium's table, with what a relay needs. */
    private abstract static class DebeziumTable extends StoreContract {
        private final Database kind;
        private TestDatabase database;

        DebeziumTable(Database kind) {
            this.kind = kind;
        }

        @Override
        protected OutboxDefinition definition() {
            return OutboxDefinition.of("orders", Route.to("outbox.event.order"), TYPE)
                    .inTable(TableLayout.debezium("outbox"));
        }

        @Override
        protected DataSource newDatabase() {
            database = DatabaseServer.of(kind).createDatabase();
            return database.dataSource();
        }

        @Override
        protected void dropDatabase() {
            database.close();
        }

        /** On MySQL and MariaDB the writers give no times, so the server's clock does. */
        @Override
        protected boolean timesKnowTheirZone() {
            return kind == Database.POSTGRESQL || kind == Database.H2;
        }

        @Test
        void whatDebeziumsWritersWriteIsFound() throws Exception {
            String quote = dialect == Dialect.MYSQL || dialect == Dialect.MARIADB ? "`" : "\"";
            execute("insert into Xoutbox`X (XidX, XaggregatetypeX, XaggregateidX, XtypeX, XpayloadX) values"
                            .replace("`X", "X")
                            .replace("X", quote)
                    + " ('2f0c1d34-7a51-4c8e-9a55-0a6f0f5f1c01', 'order', '42', '" + TYPE + "', '{\"total\":3}')");
            PendingEvent read =
                    (PendingEvent) journal.fetch(0, 10, Long.MAX_VALUE).get(0);
            assertThat(read.event().eventId()).isEqualTo("2f0c1d34-7a51-4c8e-9a55-0a6f0f5f1c01");
            assertThat(read.event().destination()).isEqualTo("outbox.event.order");
            assertThat(read.event().key()).isEqualTo("42");
            assertThat(read.waitNanos()).isZero();
        }

        @Test
        void trackedItHasAnIndexForWhatIsNotConsumed() throws Exception {
            List<OutboxDefinition> tracked = List.of(orders.withReceipts());
            Schema.create(dataSource, tracked);
            assertThat(Schema.check(dataSource, tracked).errors()).isEmpty();
        }
    }

    @Nested
    class DebeziumOnPostgres extends DebeziumTable {
        DebeziumOnPostgres() {
            super(Database.POSTGRESQL);
        }
    }

    @Nested
    class DebeziumOnMariaDb extends DebeziumTable {
        DebeziumOnMariaDb() {
            super(Database.MARIADB);
        }
    }

    @Nested
    class DebeziumOnMySql extends DebeziumTable {
        DebeziumOnMySql() {
            super(Database.MYSQL);
        }
    }

    @Nested
    class DebeziumOnH2 extends DebeziumTable {
        DebeziumOnH2() {
            super(Database.H2);
        }
    }
}
