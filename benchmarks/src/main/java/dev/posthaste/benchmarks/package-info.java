/** Measures the relay against the same work done by hand. Not published. */
@NullMarked
package dev.posthaste.benchmarks;

import org.jspecify.annotations.NullMarked;
