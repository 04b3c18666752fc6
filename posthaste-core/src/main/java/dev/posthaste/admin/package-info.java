/**
 * What operators do: look, find, repair. {@link dev.posthaste.admin.Admin} is what the HTTP interface, the command line and the
 * console are built on.
 *
 * <pre>{@code
 * OutboxAdmin orders = Admin.of(database, catalog).outbox("orders");
 * EventFilter unroutable = EventFilter.status(Status.DEAD).error("NO_ROUTE");
 * DryRun dead = orders.dryRun(unroutable);
 * orders.requeue(unroutable, Change.by("ada", "the exchange is back").expecting(dead.events()));
 * }</pre>
 */
@NullMarked
package dev.posthaste.admin;

import org.jspecify.annotations.NullMarked;
