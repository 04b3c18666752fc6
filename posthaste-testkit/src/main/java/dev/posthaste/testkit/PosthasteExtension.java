package dev.posthaste.testkit;

import dev.posthaste.Catalog;
import dev.posthaste.Schema;
import dev.posthaste.inbox.Inbox;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A {@link PosthasteTester} for JUnit 5 and 6, with a new H2 database in memory for each test.
 *
 * <pre>
 * &#64;RegisterExtension
 * {@code static final PosthasteExtension posthaste = PosthasteExtension.h2(CATALOG)
 *         .sql("create table stock (product varchar(20), amount int)")
 *         .inbox(database -> Inbox.builder("stock", database).on("order.placed", Order.class, stock::reserve));
 * }</pre>
 *
 * <p>{@link #dataSource}, {@link #outbox} and {@link #broker} are the same objects for all tests, so that fields may be
 * initialised with them. The tests that share an extension do not run at the same time.
 */
public final class PosthasteExtension extends PosthasteTester implements BeforeEachCallback, AfterEachCallback {
    private final Catalog catalog;
    private final List<String> scripts = new ArrayList<>();
    private final List<Function<DataSource, Inbox.Builder>> inboxes = new ArrayList<>();

    private PosthasteExtension(Catalog catalog) {
        super(null, catalog);
        this.catalog = catalog;
    }

    /** One whose databases have the tables of the catalog's outboxes, and Posthaste's own. */
    public static PosthasteExtension h2(Catalog catalog) {
        return new PosthasteExtension(catalog);
    }

    /** Adds statements, separated by semicolons, that make the application's own tables in each database. */
    public PosthasteExtension sql(String script) {
        scripts.add(script);
        return this;
    }

    /**
     * Adds an inbox to each test.
     *
     * @param inbox is given the test's database, and returns the inbox's builder, not an inbox, for the reason given at
     *     {@link PosthasteTester#inbox(Inbox.Builder)}
     */
    public PosthasteExtension inbox(Function<DataSource, Inbox.Builder> inbox) {
        inboxes.add(inbox);
        return this;
    }

    @Override
    public void beforeEach(ExtensionContext context) throws SQLException {
        JdbcDataSource database = new JdbcDataSource();
        database.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
        target(database);
        Schema.create(database, catalog);
        for (String script : scripts) {
            execute(database, script);
        }
        inboxes.forEach(each -> inbox(each.apply(dataSource())));
    }

    @Override
    public void afterEach(ExtensionContext context) throws SQLException {
        close();
        DataSource database = dataSource();
        execute(database, "shutdown");
        target(null);
    }

    private static void execute(DataSource database, String sql) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
