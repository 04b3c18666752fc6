package dev.posthaste.tests;

import dev.posthaste.Catalog;
import dev.posthaste.RetryPolicy;
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
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;

/** A database with an inbox and a table for effects. */
abstract class WithInbox {
    static final String TYPE = "order.placed";
    static final Duration LONG = Duration.ofSeconds(30);

    static TestDatabase open(Database kind) throws SQLException {
        TestDatabase database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), Catalog.empty());
        database.execute("create table effects (name varchar(100))");
        return database;
    }

    static Message message(String id, String key, String body) {
        return Message.of("topic", body.getBytes(StandardCharsets.UTF_8))
                .key(key)
                .headers(Map.of(MessageHeaders.EVENT_ID, id, MessageHeaders.EVENT_TYPE, TYPE));
    }

    static Message message(String id) {
        return message(id, id, id);
    }

    static Inbox.Builder inbox(DataSource dataSource, Handler<String> handler) {
        return Inbox.builder("test", dataSource).on(TYPE, String.class, handler);
    }

    static Attempts attempts(DataSource dataSource, Handler<String> handler) {
        return Attempts.of(inbox(dataSource, handler));
    }

    static void effect(EventContext context, String name) throws SQLException {
        try (PreparedStatement insert =
                context.connection().prepareStatement("insert into effects (name) values (?)")) {
            insert.setString(1, name);
            insert.executeUpdate();
        }
    }

    static void run(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    static String value(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return String.valueOf(row.getString(1));
        }
    }

    static List<String> notes(TestDatabase database) {
        return database.query("select event_id from posthaste_inbox order by event_id");
    }

    static List<String> effects(TestDatabase database) {
        return database.query("select name from effects order by name");
    }

    /** An inbox whose number of attempts is limited, so that a wrong count shows as a dead letter. */
    static Inbox consumer(Inbox.Builder inbox, int attempts) {
        return inbox.retry(RetryPolicy.fixed(Duration.ofMillis(1)).attempts(attempts))
                .build();
    }
}
