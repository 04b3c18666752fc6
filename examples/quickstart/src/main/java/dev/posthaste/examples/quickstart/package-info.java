/** A first event, in one file. README.md and the documentation of {@code dev.posthaste} show it word for word. */
@NullMarked
package dev.posthaste.examples.quickstart;

import org.jspecify.annotations.NullMarked;
