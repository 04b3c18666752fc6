/**
 * Bugs put into Posthaste on purpose, one at a time, to check that the simulation and the campaign detect them: copies
 * of its sources are changed, compiled, and put before the real classes.
 */
@NullMarked
package dev.posthaste.reliability.planted;

import org.jspecify.annotations.NullMarked;
