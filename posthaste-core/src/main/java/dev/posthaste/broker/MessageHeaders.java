package dev.posthaste.broker;

import java.util.Set;

/** The headers that Posthaste adds to a message. An event's own headers with these names are left out. */
public final class MessageHeaders {
    /** The event's identity. */
    public static final String EVENT_ID = "posthaste-event-id";
    /** The event's type. */
    public static final String EVENT_TYPE = "posthaste-event-type";
    /** The version of the payload's schema. */
    public static final String EVENT_VERSION = "posthaste-event-version";
    /** The event's key; absent if it has none. */
    public static final String EVENT_KEY = "posthaste-event-key";

    /** The outbox that the event comes from; with the position, what a receipt names. */
    public static final String OUTBOX = "posthaste-outbox";
    /** The event's position in that outbox. */
    public static final String POSITION = "posthaste-position";
    /** What {@link #POSITION} was called before 1.0; read until 2.0. */
    public static final String ROW = "posthaste-row";
    /** How many attempts were counted when the message was sent. */
    public static final String ATTEMPTS = "posthaste-attempts";
    /**
     * How often the event had been requeued when the message was sent. Absent where the outbox does not keep that. A
     * refusal names both numbers, so that a late refusal of an earlier copy changes nothing.
     */
    public static final String GENERATION = "posthaste-generation";
    /** A check of the message's content: CRC-32C over the event's id in UTF-8, a zero, and the body, as eight hexadecimal digits. */
    public static final String DIGEST = "posthaste-digest";

    /** On a message that an operator replayed: the replay it belongs to. Its outbox gets no receipts. */
    public static final String REPLAY = "posthaste-replay";
    /** On a message whose outbox gets no receipts from the consumers, because the broker answers for all of them. */
    public static final String NO_RECEIPTS = "posthaste-no-receipts";

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
    /** On a dead-lettered message that could not be kept whole: what is missing, and where it still is. */
    public static final String ERROR_BODY = "posthaste-error-body";
    /** On a dead-lettered message whose headers could not be kept: their names. */
    public static final String ERROR_HEADERS = "posthaste-error-headers";

    private static final Set<String> ALL = Set.of(
            EVENT_ID,
            EVENT_TYPE,
            EVENT_VERSION,
            EVENT_KEY,
            OUTBOX,
            POSITION,
            ROW,
            ATTEMPTS,
            GENERATION,
            DIGEST,
            REPLAY,
            NO_RECEIPTS,
            ERROR,
            ERROR_STACK,
            ERROR_CONSUMER,
            ERROR_ORIGIN,
            ERROR_ATTEMPTS,
            ERROR_BODY,
            ERROR_HEADERS);

    private MessageHeaders() {}

    /** Whether only Posthaste sets a header of this name. */
    public static boolean isReserved(String name) {
        return ALL.contains(name);
    }
}
