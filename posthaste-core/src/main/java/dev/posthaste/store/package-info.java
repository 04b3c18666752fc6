/**
 * Where events are kept, and their outcome. {@link dev.posthaste.store.OutboxStore} is all that a relay knows of
 * the database.
 */
@NullMarked
package dev.posthaste.store;

import org.jspecify.annotations.NullMarked;
