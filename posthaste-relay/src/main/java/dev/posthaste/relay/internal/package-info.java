/**
 * What other modules of Posthaste need of the relay, and nobody else should use: not part of the API, it changes without
 * notice.
 */
@NullMarked
package dev.posthaste.relay.internal;

import org.jspecify.annotations.NullMarked;
