/**
 * What other modules of Posthaste need from the relay, and nothing else should use: it is not part of the API and
 * changes without notice.
 */
@NullMarked
package dev.posthaste.relay.internal;

import org.jspecify.annotations.NullMarked;
