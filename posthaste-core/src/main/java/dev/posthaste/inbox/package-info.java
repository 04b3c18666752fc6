/**
 * The consumer's side: {@link dev.posthaste.inbox.Inbox} handles an event once in effect, {@link
 * dev.posthaste.inbox.Consumer} runs it in order per key and tries again, {@link dev.posthaste.inbox.InboxRetention}
 * forgets. {@link dev.posthaste.inbox.Inbox.Result} says
 * how an attempt ended, and who is to blame.
 */
@NullMarked
package dev.posthaste.inbox;

import org.jspecify.annotations.NullMarked;
