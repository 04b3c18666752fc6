/**
 * What Posthaste tests itself with: the contracts of stores, operators, leases and relays, and a store in memory that
 * passes them. It may change in any version.
 */
@NullMarked
package dev.posthaste.testkit.internal;

import org.jspecify.annotations.NullMarked;
