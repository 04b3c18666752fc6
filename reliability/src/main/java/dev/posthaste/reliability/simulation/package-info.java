/**
 * A deterministic simulation: Posthaste's relays, inboxes and consumers, as they are, on one thread, against a clock, a
 * database and a broker that a seed decides.
 *
 * <p>{@link dev.posthaste.reliability.simulation.Simulation} is one run. What it replaces is outside Posthaste: JDBC
 * ({@link dev.posthaste.reliability.simulation.Jdbc} over {@link dev.posthaste.reliability.simulation.Database}), the
 * broker, threads and time. {@link dev.posthaste.reliability.simulation.Nemesis} decides what goes wrong,
 * {@link dev.posthaste.reliability.simulation.Oracle} knows what happened and what must be true of it.
 */
@NullMarked
package dev.posthaste.reliability.simulation;

import org.jspecify.annotations.NullMarked;
