/** How values are written in messages, logs and the audit. Not part of the API. */
@NullMarked
package dev.posthaste.internal.text;

import org.jspecify.annotations.NullMarked;
