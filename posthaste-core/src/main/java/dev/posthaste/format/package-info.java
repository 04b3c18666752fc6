/**
 * How an event looks on the wire, and how a consumer reads it again: {@link dev.posthaste.format.MessageFormat}.
 */
@NullMarked
package dev.posthaste.format;

import org.jspecify.annotations.NullMarked;
