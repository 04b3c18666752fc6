/**
 * The consumer's side: an {@link dev.posthaste.inbox.Inbox} handles each event once in effect, in order per key, tries again
 * and forgets. {@link dev.posthaste.inbox.Receipts} tell the outbox.
 */
@NullMarked
package dev.posthaste.inbox;

import org.jspecify.annotations.NullMarked;
