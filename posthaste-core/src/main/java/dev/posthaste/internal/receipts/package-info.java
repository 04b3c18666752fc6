/** How receipts are written into messages and headers, and read from them. Not part of the API. */
@NullMarked
package dev.posthaste.internal.receipts;

import org.jspecify.annotations.NullMarked;
