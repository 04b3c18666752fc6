/**
 * Where events are kept, and their outcome. {@link dev.posthaste.internal.store.OutboxStore} is all that a relay knows
 * about the database.
 */
@NullMarked
package dev.posthaste.internal.store;

import org.jspecify.annotations.NullMarked;
