package dev.posthaste.broker;

/** The headers that Posthaste adds to a message. */
public final class MessageHeaders {
    public static final String EVENT_ID = "posthaste-event-id";
    public static final String EVENT_TYPE = "posthaste-event-type";
    public static final String EVENT_VERSION = "posthaste-event-version";
    public static final String EVENT_KEY = "posthaste-event-key";

    /** The outbox that the event comes from; with the row, what a receipt names. */
    public static final String OUTBOX = "posthaste-outbox";
    /** The event's row in that outbox. */
    public static final String ROW = "posthaste-row";
    /** How many attempts were counted when the message was sent. */
    public static final String ATTEMPTS = "posthaste-attempts";
    /** A check of the event's id and the body: see {@link Digest}. */
    public static final String DIGEST = "posthaste-digest";

    /** On a message that an operator sent once more: which replay it belongs to. */
    public static final String REPLAY = "posthaste-replay";

    /** On a dead-lettered message: why. */
    public static final String ERROR = "posthaste-error";
    /** On a dead-lettered message: where the error came from. */
    public static final String ERROR_STACK = "posthaste-error-stack";
    /** On a dead-lettered message: the consumer that gave up. */
    public static final String ERROR_CONSUMER = "posthaste-error-consumer";
    /** On a dead-lettered message: the queue or topic it came from. */
    public static final String ERROR_ORIGIN = "posthaste-error-origin";
    /** On a dead-lettered message: how often it was tried. */
    public static final String ERROR_ATTEMPTS = "posthaste-error-attempts";

    private MessageHeaders() {}
}
