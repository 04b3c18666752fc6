/** The daemon's configuration: a YAML file, read strictly, every mistake with its line. */
@NullMarked
package dev.posthaste.server.config;

import org.jspecify.annotations.NullMarked;
