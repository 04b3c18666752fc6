package dev.posthaste.tests;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.PayloadSerializer;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.relay.Relay;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.h2.jdbcx.JdbcDataSource;
import org.slf4j.LoggerFactory;

/**
 * An application, run by {@link OptionalLibrariesTest} in class loaders that lack some libraries. Refers to no optional
 * library.
 */
public final class OptionalLibraries {
    private static final Catalog CATALOG = Catalog.of(OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("orders"))
            .types("order.placed", "note.written"));

    private OptionalLibraries() {}

    /** A payload. */
    public record Order(String product, int amount) {}

    /** The serializer that is found, and what is logged about it. */
    public static String serializer() {
        ListAppender<ILoggingEvent> appender = new ListAppender<>();
        appender.start();
        Logger logger = (Logger) LoggerFactory.getLogger(PayloadSerializer.class);
        logger.addAppender(appender);
        String found = PayloadSerializer.json().getClass().getSimpleName();
        return found
                + appender.list.stream()
                        .map(event -> "; " + event.getLevel() + " " + event.getFormattedMessage())
                        .collect(Collectors.joining());
    }

    /** Writes an object with a header, relays it, and handles it. */
    public static String object() throws Exception {
        BlockingQueue<String> handled = new LinkedBlockingQueue<>();
        JdbcDataSource database = database();
        Inbox inbox = Inbox.builder("stock", database)
                .on(
                        "order.placed",
                        Order.class,
                        (order, context) -> handled.add(
                                order + " " + context.message().headers().get("tenant")))
                .build();
        return handle(
                database,
                inbox,
                Event.of("order.placed", null, new Order("tea", 3)).header("tenant", "ä"),
                handled);
    }

    /** Writes a text, relays it, and handles it. */
    public static String text() throws Exception {
        BlockingQueue<String> handled = new LinkedBlockingQueue<>();
        JdbcDataSource database = database();
        Inbox inbox = Inbox.builder("notes", database)
                .on("note.written", String.class, (note, context) -> handled.add(note))
                .build();
        return handle(database, inbox, Event.of("note.written", "k", "a text"), handled);
    }

    /** The reason why an object cannot be written. */
    public static String refusedObject() throws SQLException {
        try (Connection connection = database().getConnection()) {
            connection.setAutoCommit(false);
            JdbcOutbox.of(CATALOG).write(connection, Event.of("order.placed", "k", new Order("tea", 3)));
            return "written";
        } catch (RuntimeException e) {
            return e.getClass().getSimpleName() + ": " + e.getMessage();
        }
    }

    /** The reason why an inbox with a handler of objects cannot be built. */
    public static String refusedInbox() {
        try {
            Inbox.builder("stock", database())
                    .on("order.placed", Order.class, (order, context) -> {})
                    .build();
            return "built";
        } catch (RuntimeException e) {
            return e.getClass().getSimpleName() + ": " + e.getMessage();
        }
    }

    private static JdbcDataSource database() {
        JdbcDataSource database = new JdbcDataSource();
        database.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
        Schema.create(database, CATALOG);
        return database;
    }

    private static String handle(JdbcDataSource database, Inbox inbox, Event event, BlockingQueue<String> handled)
            throws Exception {
        try (LocalBroker broker = LocalBroker.to(inbox);
                Relay relay = Relay.builder(database, CATALOG, broker).build().start();
                Connection connection = database.getConnection()) {
            connection.setAutoCommit(false);
            JdbcOutbox.of(CATALOG).write(connection, event);
            connection.commit();
            relay.wake("orders");
            return String.valueOf(handled.poll(20, TimeUnit.SECONDS));
        }
    }
}
