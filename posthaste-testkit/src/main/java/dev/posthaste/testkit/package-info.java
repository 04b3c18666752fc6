/**
 * For the tests of applications: {@link dev.posthaste.testkit.PosthasteTester} is an outbox, a relay without threads, a broker
 * without a server and inboxes, which move when the test says so; {@link dev.posthaste.testkit.PosthasteExtension} makes one for
 * JUnit, with a new H2 database for each test; {@link dev.posthaste.testkit.PosthasteAssertions} says what was written.
 *
 * <pre>
 * &#64;RegisterExtension
 * {@code static final PosthasteExtension posthaste = PosthasteExtension.h2(CATALOG)
 *         .sql("create table stock (product varchar(20), amount int)")
 *         .inbox(database -> Inbox.builder("stock", database)
 *                 .on("order.placed", Order.class, (order, context) -> reserve(context.connection(), order)));}
 *
 * &#64;Test
 * {@code void anOrderReservesStockOnce() throws Exception {
 *     placeOrder(posthaste.dataSource(), posthaste.outbox(), new Order("42", "tea", 3));
 *     WrittenEvent event = assertThat(posthaste).wrote("order.placed").withKey("42").event();
 *     posthaste.deliverAll();         // relay and handlers, on this thread
 *     posthaste.redeliver(event);     // the same message again: the handler does not run
 * }}
 * </pre>
 *
 * <p>If you write a {@link dev.posthaste.broker.Broker} of your own, extend {@link dev.posthaste.testkit.PublishContract} to
 * prove it, or {@link dev.posthaste.testkit.BrokerContract} if it also brings messages.
 */
@NullMarked
package dev.posthaste.testkit;

import org.jspecify.annotations.NullMarked;
