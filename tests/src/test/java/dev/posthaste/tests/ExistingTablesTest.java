package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.TableLayout;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.ExistingTables;
import dev.posthaste.servers.FreshDatabases;
import dev.posthaste.testkit.internal.ConsumptionContract;
import dev.posthaste.testkit.internal.DatabaseContract;
import dev.posthaste.testkit.internal.DatabaseSource;
import dev.posthaste.testkit.internal.DatabaseStores;
import dev.posthaste.testkit.internal.ReceiptContract;
import dev.posthaste.testkit.internal.RowReceiptContract;
import java.util.List;
import javax.sql.DataSource;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The store's contracts on existing tables, each with the layout next to its script. */
class ExistingTablesTest {
    private static final Route ROUTE = Route.to("orders-topic");
    private static final String TYPE = "order.placed";

    /** An outbox in the table, with the layout from the file beside its script. */
    static OutboxDefinition orders(ExistingTables table, Route route, String type) {
        return OutboxDefinition.named("orders")
                .route(route)
                .types(type)
                .table(table.table())
                .layout(TableLayout.mapped(table.layout()));
    }

    /** Databases with the table; {@code more} are statements to run after creating it. */
    private static DatabaseSource with(Database kind, ExistingTables table, String... more) {
        FreshDatabases databases = new FreshDatabases(kind);
        return DatabaseSource.of(
                () -> {
                    DataSource dataSource = databases.create();
                    table.create(databases.current());
                    for (String each : more) {
                        databases.current().execute(each);
                    }
                    return dataSource;
                },
                databases::drop);
    }

    /** A table that other programs created: its times are in the zone of the server's sessions. */
    private abstract static class Existing extends StoreInTableTests {
        Existing(Database kind, ExistingTables table) {
            super(with(kind, table), orders(table, ROUTE, TYPE), false);
        }
    }

    @Nested
    class OutboxEventsOnMariaDb extends Existing {
        OutboxEventsOnMariaDb() {
            super(Database.MARIADB, ExistingTables.OUTBOX_EVENTS);
        }
    }

    @Nested
    class OutboxEventsOnMySql extends Existing {
        OutboxEventsOnMySql() {
            super(Database.MYSQL, ExistingTables.OUTBOX_EVENTS);
        }
    }

    @Nested
    class AgentOutboxMessagesOnMariaDb extends Existing {
        AgentOutboxMessagesOnMariaDb() {
            super(Database.MARIADB, ExistingTables.AGENT_OUTBOX_MESSAGES);
        }
    }

    @Nested
    class AgentOutboxMessagesOnMySql extends Existing {
        AgentOutboxMessagesOnMySql() {
            super(Database.MYSQL, ExistingTables.AGENT_OUTBOX_MESSAGES);
        }
    }

    /** Receipts, in the table whose rows end as consumed. */
    private abstract static class ReceiptsInAgentOutboxMessages {
        private final DatabaseSource source;

        ReceiptsInAgentOutboxMessages(Database kind) {
            // Its own limit is 20 attempts; the contracts count to three.
            this.source = with(
                    kind,
                    ExistingTables.AGENT_OUTBOX_MESSAGES,
                    "alter table agent_outbox_messages alter column max_retry set default 3");
        }

        private static OutboxDefinition tracked() {
            return orders(ExistingTables.AGENT_OUTBOX_MESSAGES, ROUTE, TYPE).tracked(true);
        }

        @Nested
        class Receipts extends ReceiptContract {
            Receipts() {
                super(new DatabaseStores(source));
            }

            @Override
            protected OutboxDefinition definition() {
                return tracked();
            }
        }

        @Nested
        class RowReceipts extends RowReceiptContract {
            RowReceipts() {
                super(source);
            }

            @Override
            protected OutboxDefinition definition() {
                return tracked();
            }
        }

        @Nested
        class Consumption extends ConsumptionContract {
            Consumption() {
                super(source);
            }

            @Override
            protected OutboxDefinition definition() {
                return tracked();
            }
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

    /** Debezium's table, with the columns that a relay needs. */
    private abstract static class DebeziumTable extends StoreInTableTests {
        private static final OutboxDefinition OUTBOX = OutboxDefinition.named("orders")
                .route(Route.to("outbox.event.order"))
                .types(TYPE)
                .table("outbox")
                .layout(TableLayout.debezium());

        /** On MySQL and MariaDB the writers set no times, so the server does. */
        DebeziumTable(Database kind) {
            this(kind, new FreshDatabases(kind));
        }

        private DebeziumTable(Database kind, FreshDatabases databases) {
            super(
                    DatabaseSource.of(databases::create, databases::drop),
                    OUTBOX,
                    kind == Database.POSTGRESQL || kind == Database.H2);
        }

        @Nested
        class ItsOwn extends DatabaseContract {
            ItsOwn() {
                super(source);
            }

            @Override
            protected OutboxDefinition definition() {
                return OUTBOX;
            }

            @Test
            void whatDebeziumsWritersWriteIsFound() throws Exception {
                String quote = dialect == Dialect.MYSQL || dialect == Dialect.MARIADB ? "`" : "\"";
                execute("insert into Xoutbox`X (XidX, XaggregatetypeX, XaggregateidX, XtypeX, XpayloadX) values"
                                .replace("`X", "X")
                                .replace("X", quote)
                        + " ('2f0c1d34-7a51-4c8e-9a55-0a6f0f5f1c01', 'order', '42', '" + TYPE + "', '{\"total\":3}')");
                PendingEvent read =
                        (PendingEvent) store.fetch(0, 10, Long.MAX_VALUE).get(0);
                assertThat(read.event().eventId()).isEqualTo("2f0c1d34-7a51-4c8e-9a55-0a6f0f5f1c01");
                assertThat(read.event().destination()).isEqualTo("outbox.event.order");
                assertThat(read.event().key()).isEqualTo("42");
                assertThat(read.waitNanos()).isZero();
            }

            @Test
            void trackedItHasAnIndexForWhatIsNotConsumed() throws Exception {
                List<OutboxDefinition> tracked = List.of(orders.tracked(true));
                DatabaseSchema.create(dataSource, tracked);
                assertThat(DatabaseSchema.check(dataSource, tracked).errors()).isEmpty();
            }
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
