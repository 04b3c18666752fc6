package dev.posthaste.examples.quickstart;

import dev.posthaste.Catalog;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Schema;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.relay.Relay;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.sqlite.SQLiteDataSource;

public class Quickstart {
    record Order(String id, String product, int amount) {}

    public static void main(String... arguments) throws Exception {
        SQLiteDataSource database = new SQLiteDataSource(); // or yours
        database.setUrl("jdbc:sqlite:" + (arguments.length == 0 ? "shop.db" : arguments[0]));
        database.setJournalMode("WAL");
        database.setSynchronous("FULL"); // a commit survives a power failure
        database.setBusyTimeout(10_000); // writers wait for each other

        Catalog catalog = Catalog.empty().outbox("orders", o -> o.types("order.placed"));
        Schema.create(database, catalog); // table orders_outbox, and Posthaste's own
        JdbcOutbox outbox = JdbcOutbox.of(catalog);
        CountDownLatch reserved = new CountDownLatch(1);
        Order order = new Order(UUID.randomUUID().toString(), "tea", 3);

        try (Inbox stock = Inbox.builder("stock", database) // handles each event once, in one transaction
                        .on("order.placed", Order.class, (placed, context) -> {
                            reserve(context.connection(), placed);
                            if (placed.equals(order)) {
                                reserved.countDown();
                            }
                        })
                        .build();
                LocalBroker broker = LocalBroker.to(stock); // later: Kafka, RabbitMQ
                Relay relay = Relay.builder(database, catalog, broker).build().start();
                Connection connection = database.getConnection()) {
            execute(connection, "create table if not exists orders (id text, product text, amount integer)");
            execute(connection, "create table if not exists reservations (product text, amount integer)");
            connection.setAutoCommit(false);
            execute(connection, "insert into orders values (?, ?, ?)", order.id(), order.product(), order.amount());
            outbox.write(connection, "order.placed", order.id(), order); // type, key, payload
            connection.commit(); // both rows, or neither
            System.out.println("Order " + order.id() + " is placed");
            relay.wake("orders"); // optional: now, instead of within 250 ms
            reserved.await(); // your program runs on
        } // the relay ends first, when it has noted what was published
    }

    private static void reserve(Connection connection, Order order) throws SQLException {
        execute(connection, "insert into reservations values (?, ?)", order.product(), order.amount());
        System.out.println("Stock reserves " + order.amount() + " " + order.product());
    }

    private static void execute(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            statement.execute();
        }
    }
}
