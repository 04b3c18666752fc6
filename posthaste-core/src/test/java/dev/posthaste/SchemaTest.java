package dev.posthaste;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.FormerTable;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What applications call. The findings on real servers are tested there. */
class SchemaTest {
    private static final Catalog ORDERS = Catalog.empty().outbox("orders", o -> o.types("order.placed"));
    private static final Catalog AS_BEFORE = ORDERS.all(o -> o.table("orders"));

    private final JdbcDataSource database = new JdbcDataSource();

    @BeforeEach
    void open() {
        database.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Test
    void whatIsCreatedIsValid() {
        Schema.create(database, ORDERS);
        Schema.create(database, ORDERS);
        assertThatCode(() -> Schema.validate(database, ORDERS)).doesNotThrowAnyException();
        assertThat(ORDERS.outbox("orders").table()).isEqualTo("orders_outbox");
    }

    @Test
    void allThatIsMissingIsSaidAtOnce() {
        assertThatThrownBy(() -> Schema.validate(database, ORDERS))
                .isInstanceOfSatisfying(
                        SchemaException.class,
                        e -> assertThat(e.problems())
                                .contains(
                                        "table orders_outbox of outbox orders is missing",
                                        "table posthaste_lease is missing",
                                        "table posthaste_inbox is missing"));
    }

    @Test
    void theScriptMakesWhatIsValid() throws Exception {
        execute(Schema.script("h2", ORDERS));
        assertThatCode(() -> Schema.validate(database, ORDERS)).doesNotThrowAnyException();
        for (String name : List.of("postgresql", "mysql", "mariadb", "sqlite")) {
            assertThat(Schema.script(name, ORDERS)).contains("orders_outbox", "posthaste_lease", "posthaste_inbox");
        }
        assertThatThrownBy(() -> Schema.script("oracle", ORDERS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("postgresql");
    }

    /** The scripts are apart because users copy whole files. */
    @Test
    void theScriptsOfMySqlAndMariaDbDifferInCommentsAndCollationOnly() {
        Catalog all = ORDERS.outbox("calls", o -> o.types("call.made").tracked(true))
                .outbox(
                        "router",
                        o -> o.types("thing.routed")
                                .route(Route.to("outbox.event.thing"))
                                .layout(TableLayout.debezium()));
        assertThat(Schema.script("mysql", all)
                        .replace("MySQL 8", "MariaDB 10.6")
                        .replaceAll("-- Texts are compared byte by byte.*\\R", "")
                        .replace("utf8mb4_bin /*!80017 collate utf8mb4_0900_bin */", "utf8mb4_nopad_bin"))
                .isEqualTo(Schema.script("mariadb", all))
                .contains("nopad", "generation", "aggregateid");
    }

    // --- Until 1.0 the default table had the outbox's name -----------------------------------------------------------

    @Test
    void noEmptyTableIsMadeBesideTheOneThatWasTheDefault() {
        Schema.create(database, AS_BEFORE);
        assertThatThrownBy(() -> Schema.create(database, ORDERS))
                .isInstanceOf(SchemaException.class)
                .hasMessageContaining("table(\"orders\")");
        assertThatThrownBy(() -> Schema.validate(database, ORDERS))
                .isInstanceOf(SchemaException.class)
                .hasMessageContaining("table(\"orders\")")
                .hasMessageNotContaining("missing");
        assertThatCode(() -> Schema.create(database, AS_BEFORE)).doesNotThrowAnyException();
    }

    private String found(Catalog catalog) throws Exception {
        return FormerTable.found(database, catalog.outbox("orders"), catalog.outboxes())
                .table();
    }

    /** Two services, one of which has the name of the other's table. */
    @Test
    void anotherOutboxsTableIsNobodysFormerOne() throws Exception {
        Catalog both = ORDERS.outbox("shop", o -> o.types("shop.opened").table("orders"));
        Schema.create(database, both);
        Schema.create(database, both);
        Schema.validate(database, both);
        assertThat(DatabaseSchema.check(database, both.outboxes()).warnings())
                .noneMatch(warning -> warning.contains("by default until 1.0"));
        assertThat(found(both)).isEqualTo("orders_outbox");
    }

    @Test
    void anApplicationsOwnTableOfThatNameIsNoOutbox() throws Exception {
        execute("create table orders (id bigint, status varchar(20))");
        Schema.create(database, ORDERS);
        assertThat(DatabaseSchema.check(database, ORDERS.outboxes()).warnings())
                .noneMatch(warning -> warning.contains("outbox orders"));
        assertThat(found(ORDERS)).isEqualTo("orders_outbox");
    }

    @Test
    void eventsThatWaitInTheFormerTableAreAFault() throws Exception {
        Schema.create(database, AS_BEFORE);
        try (Connection connection = database.getConnection()) {
            connection.setAutoCommit(false);
            JdbcOutbox.of(AS_BEFORE).write(connection, "order.placed", "k", "x");
            connection.commit();
        }
        Schema.create(database, Catalog.empty().outbox("other", o -> o.table("orders_outbox")));
        assertThatThrownBy(() -> Schema.validate(database, ORDERS))
                .isInstanceOf(SchemaException.class)
                .hasMessageContaining("events wait in table orders")
                .hasMessageContaining("table(\"orders\")");
        execute("update \"orders\" set status = 'published'");
        assertThatCode(() -> Schema.validate(database, ORDERS)).doesNotThrowAnyException();
    }

    @Test
    void aTableIsTheSameWithItsSchema() throws Exception {
        Catalog both = ORDERS.outbox("shop", o -> o.types("shop.opened").table("PUBLIC.orders"));
        Schema.create(database, both);
        assertThat(found(both)).isEqualTo("orders_outbox");
        assertThatCode(() -> Schema.create(database, both)).doesNotThrowAnyException();
    }

    @Test
    void whatIsLeftInTheFormerTableIsWarnedOf() throws Exception {
        Schema.create(database, AS_BEFORE);
        assertThat(found(ORDERS)).isEqualTo("orders");
        Schema.create(database, Catalog.empty().outbox("other", o -> o.table("orders_outbox")));
        assertThat(found(ORDERS)).isEqualTo("orders_outbox");
        assertThat(DatabaseSchema.check(database, ORDERS.outboxes()).warnings())
                .anyMatch(warning -> warning.contains("there is a table orders like it"));
    }
}
