/**
 * A deterministic simulation: Posthaste's own relays, inboxes and consumers on one thread, with a simulated clock,
 * database and broker; a seed decides everything.
 *
 * <p>{@link dev.posthaste.reliability.simulation.Simulation} is one run. What it replaces is outside Posthaste: JDBC
 * ({@link dev.posthaste.reliability.simulation.Jdbc} over {@link dev.posthaste.reliability.simulation.Database}), the
 * broker, threads and time. {@link dev.posthaste.reliability.simulation.Nemesis} injects faults,
 * {@link dev.posthaste.reliability.simulation.Oracle} knows what happened and what must be true of it.
 */
@NullMarked
package dev.posthaste.reliability.simulation;

import org.jspecify.annotations.NullMarked;
