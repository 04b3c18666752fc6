package dev.posthaste;

/**
 * What {@link Outbox} accepts.
 *
 * @param maxPayloadBytes the longest payload, in bytes of UTF-8; keep it below what the broker takes
 * @param autoCommitAllowed whether an event may be written outside a transaction; then it is a message of its own
 */
public record OutboxSettings(int maxPayloadBytes, boolean autoCommitAllowed) {
    public OutboxSettings {
        if (maxPayloadBytes < 1) {
            throw new IllegalArgumentException("maxPayloadBytes must be positive, not " + maxPayloadBytes);
        }
    }

    /** 1,000,000 bytes (Kafka's default limit is 1,048,588 with headers), and never outside a transaction. */
    public static OutboxSettings defaults() {
        return new OutboxSettings(1_000_000, false);
    }
}
