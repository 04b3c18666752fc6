/** What makes spans around writing, publishing and handling, whoever takes them. Not part of the API. */
@NullMarked
package dev.posthaste.internal.tracing;

import org.jspecify.annotations.NullMarked;
