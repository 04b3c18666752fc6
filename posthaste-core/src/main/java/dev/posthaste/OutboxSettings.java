package dev.posthaste;

/**
 * What {@link Outbox} accepts.
 *
 * @param maxPayloadBytes the longest payload, in bytes of UTF-8; keep it below what the broker takes
 * @param maxHeaderBytes the most that an event's headers may take together, as JSON in UTF-8. RabbitMQ sends all of a
 *     message's properties in one frame, of 131,072 bytes unless configured
 * @param autoCommitAllowed whether an event may be written outside a transaction; then it is a message of its own
 */
public record OutboxSettings(int maxPayloadBytes, int maxHeaderBytes, boolean autoCommitAllowed) {
    private static final int MAX_HEADER_BYTES = 100_000;

    public OutboxSettings {
        if (maxPayloadBytes < 1) {
            throw new IllegalArgumentException("maxPayloadBytes must be positive, not " + maxPayloadBytes);
        }
        if (maxHeaderBytes < 1) {
            throw new IllegalArgumentException("maxHeaderBytes must be positive, not " + maxHeaderBytes);
        }
    }

    /** With up to 100,000 bytes of headers. */
    public OutboxSettings(int maxPayloadBytes, boolean autoCommitAllowed) {
        this(maxPayloadBytes, MAX_HEADER_BYTES, autoCommitAllowed);
    }

    /**
     * 1,000,000 bytes of payload (Kafka's default limit is 1,048,588 with headers), 100,000 of headers, and never outside a
     * transaction.
     */
    public static OutboxSettings defaults() {
        return new OutboxSettings(1_000_000, MAX_HEADER_BYTES, false);
    }
}
