/**
 * Where events are kept and what became of them. {@link dev.posthaste.journal.Journal} is all that a relay knows of
 * the database.
 */
@NullMarked
package dev.posthaste.journal;

import org.jspecify.annotations.NullMarked;
