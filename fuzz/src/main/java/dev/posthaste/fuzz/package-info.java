/**
 * Feeds hostile input to everything that reads data from other programs, and checks the result against a promise:
 * {@link dev.posthaste.fuzz.Fuzz} is the command, {@link dev.posthaste.fuzz.Target} one reader under test.
 */
@NullMarked
package dev.posthaste.fuzz;

import org.jspecify.annotations.NullMarked;
