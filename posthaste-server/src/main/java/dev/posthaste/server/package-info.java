/** Posthaste as a daemon: relays, console, HTTP interface and command line. */
@NullMarked
package dev.posthaste.server;

import org.jspecify.annotations.NullMarked;
