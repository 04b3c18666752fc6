/** What only tests and simulations set on an inbox. Not part of the API. */
@NullMarked
package dev.posthaste.inbox.internal;

import org.jspecify.annotations.NullMarked;
