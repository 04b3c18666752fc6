/** Measures the relay against the same statements run by hand. Not published. */
@NullMarked
package dev.posthaste.benchmarks;

import org.jspecify.annotations.NullMarked;
