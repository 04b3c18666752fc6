/** The command line. Every command works from the configuration file alone, with or without a daemon beside it. */
@NullMarked
package dev.posthaste.server.cli;

import org.jspecify.annotations.NullMarked;
