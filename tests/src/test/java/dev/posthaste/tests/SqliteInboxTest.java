package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.Schema;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.inbox.EventContext;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.internal.Attempts;
import dev.posthaste.testkit.internal.Attempts.Result;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an inbox does where SQLite's driver begins and ends transactions differently from other drivers. */
class SqliteInboxTest {
    private static final String TYPE = "order.placed";
    private TestDatabase database;

    @BeforeEach
    void open() throws Exception {
        database = DatabaseServer.of(Database.SQLITE).createDatabase();
        Schema.create(database.dataSource(), Catalog.empty());
        database.execute("create table effects (name text)");
    }

    @AfterEach
    void close() {
        database.close();
    }

    private HikariDataSource pool(String url) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(1);
        return new HikariDataSource(config);
    }

    private static Attempts inbox(DataSource dataSource, Handler<String> handler) {
        return Attempts.of(Inbox.builder("test", dataSource).on(TYPE, String.class, handler));
    }

    private static Message message(String id) {
        return Message.of("topic", id.getBytes(StandardCharsets.UTF_8))
                .key(id)
                .headers(Map.of(MessageHeaders.EVENT_ID, id, MessageHeaders.EVENT_TYPE, TYPE));
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void effect(EventContext context, String name) throws SQLException {
        run(context.connection(), "insert into effects values ('" + name + "')");
    }

    private List<String> notes() {
        return database.query("select event_id from posthaste_inbox order by event_id");
    }

    private List<String> effects() {
        return database.query("select name from effects order by name");
    }

    /** Later statements would be committed one by one, so the statement itself is refused. */
    @ParameterizedTest
    @ValueSource(strings = {"commit", "rollback", "end", "end transaction", "rollback transaction"})
    void aStatementThatEndsTheTransactionIsRefused(String end) {
        Attempts inbox = inbox(database.dataSource(), (text, context) -> {
            effect(context, "1");
            for (String sql : List.of(end, "-- now\n /* or */ " + end.toUpperCase(Locale.ROOT) + ";")) {
                assertThatThrownBy(() -> run(context.connection(), sql)).hasMessageContaining("inbox");
                assertThatThrownBy(() -> context.connection().prepareStatement(sql))
                        .hasMessageContaining("inbox");
            }
            assertThatThrownBy(() -> run(context.connection(), "begin")) // SQLite refuses it, as Outbox.write expects
                    .hasMessageContaining("within a transaction");
            run(context.connection(), "savepoint own");
            effect(context, "undone");
            run(context.connection(), "rollback to savepoint own");
            if (text.equals("throws")) {
                run(context.connection(), end);
            }
        });
        assertThat(inbox.handle(message("throws"))).isInstanceOf(Result.Failed.class);
        assertThat(notes()).isEmpty();
        assertThat(effects()).isEmpty();
        assertThat(inbox.handle(message("returns"))).isInstanceOf(Result.Handled.class);
        assertThat(effects()).containsExactly("1");
    }

    @Test
    void aConstraintThatFailsAtTheCommitIsTheHandlersFailure() {
        database.execute("create table parents (name text primary key)");
        database.execute("create table children (parent text references parents deferrable initially deferred)");
        try (HikariDataSource pool = pool(database.url() + "&foreign_keys=true")) {
            Attempts inbox = inbox(pool, (text, context) -> {
                effect(context, text);
                if (text.equals("bad")) {
                    run(context.connection(), "insert into children values ('nobody')");
                }
            });
            assertThat(inbox.handle(message("bad"))).isInstanceOf(Result.Failed.class);
            assertThat(inbox.handle(message("bad"))).isInstanceOf(Result.Failed.class);
            assertThat(inbox.handle(message("good"))).isInstanceOf(Result.Handled.class);
        }
        assertThat(notes()).containsExactly("good");
        assertThat(effects()).containsExactly("good");
    }

    /** In any mode of the URL, and however often the lock was unavailable before. */
    @ParameterizedTest
    @ValueSource(strings = {"DEFERRED", "IMMEDIATE"})
    void anEventWaitsForTheWriterAndIsThenHandledWhole(String mode) throws Exception {
        String url = database.url().replace("busy_timeout=10000", "busy_timeout=100") + "&transaction_mode=" + mode;
        try (HikariDataSource pool = pool(url);
                Connection writer = database.dataSource().getConnection()) {
            Attempts inbox = inbox(pool, (text, context) -> {
                effect(context, text);
                if (text.equals("fails")) {
                    throw new IllegalStateException("after the effect");
                }
            });
            for (int round = 1; round <= 3; round++) {
                run(writer, "begin immediate");
                assertThat(inbox.handle(message("event-" + round))).isInstanceOf(Result.Postponed.class);
                run(writer, "rollback");
                assertThat(inbox.handle(message("fails"))).isInstanceOf(Result.Failed.class);
                assertThat(inbox.handle(message("event-" + round))).isInstanceOf(Result.Handled.class);
                assertThat(inbox.handle(message("event-" + round))).isInstanceOf(Result.Duplicate.class);
                run(writer, "begin immediate"); // the lock was released
                run(writer, "rollback");
            }
        }
        assertThat(effects()).containsExactly("event-1", "event-2", "event-3");
    }
}
