/** Spans through OpenTelemetry. Needs {@code io.opentelemetry:opentelemetry-api}, and is not loaded without it. */
@NullMarked
package dev.posthaste.opentelemetry;

import org.jspecify.annotations.NullMarked;
