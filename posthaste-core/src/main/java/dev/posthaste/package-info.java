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
 * <p>A system of many services names its outboxes, topics and groups by {@link
 * dev.posthaste.Catalog#forServices}. Outbox tables that
 * exist already are described by a {@link dev.posthaste.TableLayout}; how events look on the wire is a {@link
 * dev.posthaste.format.MessageFormat}.
 */
@NullMarked
package dev.posthaste;

import org.jspecify.annotations.NullMarked;
