/** Spans around writing, publishing and handling, wherever they are sent. Not part of the API. */
@NullMarked
package dev.posthaste.internal.tracing;

import org.jspecify.annotations.NullMarked;
