package dev.posthaste.format;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Message;

/**
 * Makes a message from an event, and reads it on the other side. A relay and its consumers must agree on the format.
 *
 * <p>Whatever the format, a message also carries Posthaste's headers ({@link dev.posthaste.broker.MessageHeaders}), for
 * receipts, digests and traces. A consumer reads messages without them too, as long as their format gives an event's id
 * and type. Thread-safe.
 */
public interface MessageFormat {

    /** The payload as the body, the rest as headers. The default. */
    MessageFormat RAW = new RawFormat();

    /**
     * A JSON object around the payload as the body, with {@code outbox_id}, {@code event_id}, {@code event_type}, {@code
     * event_version}, {@code service_name}, {@code aggregate_id} and {@code payload}. The payload must be JSON, and is
     * kept verbatim.
     */
    MessageFormat ENVELOPE = new EnvelopeFormat();

    /**
     * CloudEvents 1.0, the payload as the body and the attributes as headers: {@code ce_…}, as Kafka's binding has them.
     *
     * @param source the attribute {@code source}: a URI reference that names the producer, such as {@code /shop/orders}
     */
    static MessageFormat cloudEvents(String source) {
        return new CloudEventsFormat(source, "ce_");
    }

    /** The same with the header names of AMQP's binding: {@code cloudEvents:…}. */
    static MessageFormat cloudEventsAmqp(String source) {
        return new CloudEventsFormat(source, "cloudEvents:");
    }

    /** CloudEvents 1.0 in structured mode: one JSON object as the body. The payload must be JSON. */
    static MessageFormat cloudEventsStructured(String source) {
        return new CloudEventsFormat(source, null);
    }

    /**
     * @param outbox whose event it is; its route says where it goes when the event does not
     * @throws IllegalArgumentException if no message can ever be made from the event; says why
     */
    Message write(StoredEvent event, OutboxDefinition outbox);

    /**
     * The message with the event's payload as its body, and its id and type in the headers.
     *
     * @throws IllegalArgumentException if it is not of this format; says why
     */
    Message read(Message message);
}
