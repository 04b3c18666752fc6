package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.RowReads;
import dev.posthaste.internal.jdbc.RowScan;
import dev.posthaste.internal.jdbc.RowVerdicts;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The relay's statements find pending events through their index and in its order, however large the table is. */
class PlansTest {
    static final OutboxDefinition ORDERS = OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("t"))
            .types("order.placed");
    private static final int SEED = 1_000;

    /** H2 holds its test databases in this JVM's memory. */
    private static int million(Database kind) {
        return kind == Database.H2 ? 200_000 : 1_000_000;
    }

    static void fill(TestDatabase database, int from, int to, String pending) throws SQLException {
        String quote = database.kind() == Database.H2 ? "\"orders\"" : "orders";
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            if (database.kind() == Database.MYSQL || database.kind() == Database.MARIADB) {
                statement.execute("set session sql_log_bin = 0"); // plans do not depend on it
            }
            for (int i = from; i < to; i += SEED * 100) {
                statement.execute("insert into " + quote
                        + " (id, event_id, event_type, event_version, event_key, payload, status,"
                        + " attempts, created_at, updated_at) select " + (i + 1)
                        + " + a.n * 100 + b.n, concat('e-', " + i
                        + " + a.n * 100 + b.n), 'order.placed', 'v1', concat('key-', a.n), '{}', case when "
                        + pending + " then 'pending' else 'published' end, 0, " + database.now() + ", "
                        + database.now() + " from seeds a join seeds b on b.n < 100");
            }
        }
    }

    private static List<String> plan(TestDatabase database, String sql, Object... parameters) throws SQLException {
        String explain = switch (database.kind()) {
            case H2 -> "explain plan for ";
            case MYSQL -> "explain format=traditional ";
            case SQLITE -> "explain query plan ";
            default -> "explain ";
        };
        List<String> lines = new ArrayList<>();
        try (Connection connection = database.dataSource().getConnection();
                PreparedStatement statement = connection.prepareStatement(explain + sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                        lines.add(String.valueOf(rows.getString(i)).toLowerCase(Locale.ROOT));
                    }
                }
            }
        }
        return lines;
    }

    static void assertServedByThePendingIndex(TestDatabase database) throws SQLException {
        Dialect dialect;
        try (Connection connection = database.dataSource().getConnection()) {
            dialect = Dialect.of(connection);
        }
        RowReads reads = new RowReads(dialect, ORDERS);
        RowScan scan = new RowScan(dialect, ORDERS);
        for (List<String> plan : List.of(
                plan(database, reads.fetchStatement(), 0L, 1000),
                plan(database, reads.fetchStatement(), 150_000L, 1000),
                plan(database, scan.statement(), 0L, 150_000L, 1000))) {
            String text = String.join("\n", plan);
            assertThat(text).contains("orders_pending");
            if (database.kind() == Database.H2) {
                assertThat(text).contains("index sorted");
            } else {
                assertThat(text).doesNotContain("sort", "seq scan", "temp b-tree");
            }
        }
        List<String> settle = plan(
                database, new RowVerdicts(dialect, ORDERS).publishedStatement().formatted("in (1, 2, 3)"));
        assertThat(String.join("\n", settle)).containsAnyOf("orders_pkey", "primary");
    }

    /** For the other databases see {@link PagingTest}, which has such tables. */
    @ParameterizedTest
    @EnumSource(names = {"H2", "MYSQL", "SQLITE"})
    void H26_withAMillionRowsAFewOfThemPending(Database kind) throws Exception {
        try (TestDatabase database = outbox(kind)) {
            fill(database, 0, million(kind), "b.n = 7");
            analyze(database);
            assertServedByThePendingIndex(database);
        }
    }

    @ParameterizedTest
    @EnumSource
    void H26b_afterABurstThatNobodyAnalysedAndWithAMillionRowsAllOfThemPending(Database kind) throws Exception {
        try (TestDatabase database = outbox(kind)) {
            if (kind == Database.POSTGRESQL) {
                database.execute("alter table orders set (autovacuum_enabled = false)");
                database.execute("analyze orders");
            } else if (kind == Database.SQLITE) { // it has no statistics unless asked for them
                fill(database, 0, 100_000, "a.n = 7");
                database.execute("analyze");
                database.execute("delete from orders");
            }
            fill(database, 0, 200_000, "1 = 1");
            assertServedByThePendingIndex(database);
            fill(database, 200_000, million(kind), "1 = 1");
            analyze(database);
            assertServedByThePendingIndex(database);
        }
    }

    static TestDatabase outbox(Database kind) throws SQLException {
        TestDatabase database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), Catalog.of(ORDERS));
        database.execute("create table seeds (n int)");
        StringBuilder values = new StringBuilder("insert into seeds values (0)");
        for (int i = 1; i < SEED; i++) {
            values.append(", (").append(i).append(')');
        }
        database.execute(values.toString());
        return database;
    }

    static void analyze(TestDatabase database) {
        switch (database.kind()) {
            case POSTGRESQL -> database.execute("analyze orders");
            case SQLITE, H2 -> database.execute("analyze");
            default -> database.query("analyze table orders");
        }
    }
}
