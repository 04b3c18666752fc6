/** What names may look like: {@link dev.posthaste.internal.names.Names}. Not part of the API. */
@NullMarked
package dev.posthaste.internal.names;

import org.jspecify.annotations.NullMarked;
