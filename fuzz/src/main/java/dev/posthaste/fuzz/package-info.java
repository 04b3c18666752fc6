/**
 * Feeds everything that reads what others wrote with what nobody meant, and holds what comes of it against a promise:
 * {@link dev.posthaste.fuzz.Fuzz} is the command, {@link dev.posthaste.fuzz.Target} one thing that is fed.
 */
@NullMarked
package dev.posthaste.fuzz;

import org.jspecify.annotations.NullMarked;
