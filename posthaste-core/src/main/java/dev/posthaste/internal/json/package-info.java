/**
 * The JSON that Posthaste itself reads and writes: headers, envelopes, CloudEvents, receipts, the audit's details. It is read
 * by the tokens of whichever Jackson is there, 3 or 2, and by nothing else of them, so that both read the same. Not part of
 * the API.
 */
@NullMarked
package dev.posthaste.internal.json;

import org.jspecify.annotations.NullMarked;
