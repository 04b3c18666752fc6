/**
 * Posthaste is a transactional outbox and inbox. An application writes an event in the same database transaction as its
 * change; a relay publishes it, in order per key; a consumer handles it once in effect.
 *
 * <p>In the order a newcomer meets it:
 *
 * <ol>
 *   <li>A {@link dev.posthaste.Catalog} says which event types there are, in which outbox each lives, and the
 *       {@link dev.posthaste.Route} it takes. {@link dev.posthaste.Schema#create} makes the tables.
 *   <li>The application makes its change and calls {@link dev.posthaste.JdbcOutbox#write} with an {@link
 *       dev.posthaste.Event} on the same connection, and commits. In a framework's transactions, the interface {@link
 *       dev.posthaste.Outbox} finds the connection by itself.
 *   <li>A relay (module {@code posthaste-relay}) takes the pending events to a {@link dev.posthaste.broker.Broker}: the
 *       {@link dev.posthaste.broker.LocalBroker} to begin with, Kafka or RabbitMQ by changing one line.
 *   <li>An {@link dev.posthaste.inbox.Inbox} runs the handlers of what the broker brings.
 *   <li>Each event's row records its {@link dev.posthaste.Status}. Its consumer reports that it was consumed: {@link
 *       dev.posthaste.inbox.Receipts}.
 * </ol>
 *
 * <p>A whole program, which is {@code examples/quickstart} in the repository:
 *
 * <pre>{@code
 * import dev.posthaste.Catalog;
 * import dev.posthaste.JdbcOutbox;
 * import dev.posthaste.Schema;
 * import dev.posthaste.broker.LocalBroker;
 * import dev.posthaste.inbox.Inbox;
 * import dev.posthaste.relay.Relay;
 * import java.sql.Connection;
 * import java.sql.PreparedStatement;
 * import java.sql.SQLException;
 * import java.util.UUID;
 * import java.util.concurrent.CountDownLatch;
 * import org.sqlite.SQLiteDataSource;
 *
 * public class Quickstart {
 *     record Order(String id, String product, int amount) {}
 *
 *     public static void main(String... arguments) throws Exception {
 *         SQLiteDataSource database = new SQLiteDataSource(); // or yours
 *         database.setUrl("jdbc:sqlite:" + (arguments.length == 0 ? "shop.db" : arguments[0]));
 *         database.setJournalMode("WAL");
 *         database.setSynchronous("FULL"); // a commit survives a power failure
 *         database.setBusyTimeout(10_000); // writers wait for each other
 *
 *         Catalog catalog = Catalog.empty().outbox("orders", o -> o.types("order.placed"));
 *         Schema.create(database, catalog); // table orders_outbox, and Posthaste's own
 *         JdbcOutbox outbox = JdbcOutbox.of(catalog);
 *         CountDownLatch reserved = new CountDownLatch(1);
 *         Order order = new Order(UUID.randomUUID().toString(), "tea", 3);
 *
 *         try (Inbox stock = Inbox.builder("stock", database) // handles each event once, in one transaction
 *                         .on("order.placed", Order.class, (placed, context) -> {
 *                             reserve(context.connection(), placed);
 *                             if (placed.equals(order)) {
 *                                 reserved.countDown();
 *                             }
 *                         })
 *                         .build();
 *                 LocalBroker broker = LocalBroker.to(stock); // later: Kafka, RabbitMQ
 *                 Relay relay = Relay.builder(database, catalog, broker).build().start();
 *                 Connection connection = database.getConnection()) {
 *             execute(connection, "create table if not exists orders (id text, product text, amount integer)");
 *             execute(connection, "create table if not exists reservations (product text, amount integer)");
 *             connection.setAutoCommit(false);
 *             execute(connection, "insert into orders values (?, ?, ?)", order.id(), order.product(), order.amount());
 *             outbox.write(connection, "order.placed", order.id(), order); // type, key, payload
 *             connection.commit(); // both rows, or neither
 *             System.out.println("Order " + order.id() + " is placed");
 *             relay.wake("orders"); // optional: now, instead of within 250 ms
 *             reserved.await(); // your program runs on
 *         } // the relay ends first, when it has noted what was published
 *     }
 *
 *     private static void reserve(Connection connection, Order order) throws SQLException {
 *         execute(connection, "insert into reservations values (?, ?)", order.product(), order.amount());
 *         System.out.println("Stock reserves " + order.amount() + " " + order.product());
 *     }
 *
 *     private static void execute(Connection connection, String sql, Object... values) throws SQLException {
 *         try (PreparedStatement statement = connection.prepareStatement(sql)) {
 *             for (int i = 0; i < values.length; i++) {
 *                 statement.setObject(i + 1, values[i]);
 *             }
 *             statement.execute();
 *         }
 *     }
 * }
 * }</pre>
 *
 * <p>A system of many services names its outboxes, topics and groups by {@link
 * dev.posthaste.Catalog#forServices}. Outbox tables that
 * exist already are described by a {@link dev.posthaste.TableLayout}; how events look on the wire is a {@link
 * dev.posthaste.format.MessageFormat}.
 */
@NullMarked
package dev.posthaste;

import org.jspecify.annotations.NullMarked;
