/** What messages consist of in every format: events' ids, digests, envelopes. Not part of the API. */
@NullMarked
package dev.posthaste.internal.messages;

import org.jspecify.annotations.NullMarked;
