/**
 * Faults put into Posthaste on purpose, one at a time, to see that the simulation and the campaign notice: copies of its
 * sources are changed, compiled, and put before the real classes.
 */
@NullMarked
package dev.posthaste.reliability.planted;

import org.jspecify.annotations.NullMarked;
