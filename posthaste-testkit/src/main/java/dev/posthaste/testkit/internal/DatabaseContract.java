package dev.posthaste.testkit.internal;

import dev.posthaste.Catalog;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Status;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;

/**
 * What the contracts on a database share: an empty one for each test, with the outbox {@code orders} in it, and SQL for
 * what only SQL can do or see.
 */
public abstract class DatabaseContract extends OutboxContract {
    private final DatabaseStores stores;
    protected final Catalog catalog = Catalog.of(orders);
    protected final JdbcOutbox outbox = JdbcOutbox.of(catalog);
    protected DataSource dataSource;
    protected Dialect dialect;

    protected DatabaseContract(DatabaseSource source) {
        this(new DatabaseStores(source));
    }

    private DatabaseContract(DatabaseStores stores) {
        super(stores);
        this.stores = stores;
    }

    @BeforeEach
    void useDatabase() throws Exception {
        dataSource = stores.dataSource();
        try (Connection connection = dataSource.getConnection()) {
            dialect = Dialect.of(connection);
        }
    }

    /** A connection in a transaction; closing it without a commit rolls back. */
    protected Connection begin() throws SQLException {
        Connection connection = dataSource.getConnection();
        connection.setAutoCommit(false);
        return connection;
    }

    /** Runs {@code work} while {@code open} has written something, ends that, and waits for the work. */
    protected static <T> T behind(Connection open, boolean commit, Callable<T> work) throws Exception {
        return behind(
                () -> {
                    if (commit) {
                        open.commit();
                    } else {
                        open.rollback();
                    }
                    open.close();
                },
                work);
    }

    protected void execute(String sql) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(true);
            statement.execute(sql);
        }
    }

    /** Every row, its columns as text, joined by a bar. */
    protected List<String> query(String sql) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> found = new ArrayList<>();
            while (rows.next()) {
                List<String> row = new ArrayList<>();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                    row.add(String.valueOf(rows.getString(i)));
                }
                found.add(String.join("|", row));
            }
            return found;
        }
    }

    /** The outbox's table, quoted as this database requires. */
    protected String table() {
        return quoted(orders.table());
    }

    private String quoted(String name) {
        String quote = dialect == Dialect.MYSQL || dialect == Dialect.MARIADB ? "`" : "\"";
        return quote + name + quote;
    }

    /** A column of the outbox's table, quoted where its layout quotes it; SQL's null where the table has none. */
    protected String column(Column column) {
        if (!EventTable.of(orders).has(column)) {
            return "null";
        }
        String name = EventTable.of(orders).column(column);
        return EventTable.of(orders).isStandard() ? name : quoted(name);
    }

    /** A status as the outbox's table spells it, for SQL. */
    protected String code(Status status) {
        String code = EventTable.of(orders).code(status);
        return code.matches("[0-9]+") ? code : "'" + code + "'";
    }
}
