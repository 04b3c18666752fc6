/** Real servers, started on free ports of the loopback address, for tests and benchmarks. Not published. */
@NullMarked
package dev.posthaste.servers;

import org.jspecify.annotations.NullMarked;
