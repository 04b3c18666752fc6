/**
 * The JSON that Posthaste itself reads and writes: headers, envelopes, CloudEvents, receipts, the audit's details. It
 * is read through the tokens of whichever Jackson is present, 3 or 2, and nothing else of either, so that both read the
 * same. Not part of the API.
 */
@NullMarked
package dev.posthaste.internal.json;

import org.jspecify.annotations.NullMarked;
