package dev.posthaste.inbox;

import org.jspecify.annotations.Nullable;

/** How one attempt at an event, or at a batch of them, ended, and who is to blame. */
sealed interface AttemptResult {
    /** The handler ran, and its transaction committed. */
    record Handled() implements AttemptResult {}

    /** It was handled before; of a batch, at least one event. */
    record Duplicate() implements AttemptResult {}

    /** There is no handler for its type, and the inbox is configured to ignore it. */
    record Ignored() implements AttemptResult {}

    /** There is no handler for its type in this process; it waits for a process that has one. */
    record Held(String type) implements AttemptResult {}

    /**
     * The handler failed. Worth another attempt, which counts.
     *
     * @param options the handler's
     */
    record Failed(Throwable cause, HandlerOptions<?> options) implements AttemptResult {}

    /** It can never be handled. */
    record Refused(String reason, @Nullable Throwable cause) implements AttemptResult {}

    /** This event cannot be handled now, and its handler is not to blame. Others may be; no attempt is counted. */
    record Postponed(Throwable cause) implements AttemptResult {}

    /** The inbox's database accepts nothing now, for any event. No attempt is counted. */
    record Unavailable(Throwable cause) implements AttemptResult {}
}
