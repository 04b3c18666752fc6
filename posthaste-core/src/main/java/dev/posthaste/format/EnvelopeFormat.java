package dev.posthaste.format;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.internal.messages.Envelope;
import dev.posthaste.internal.messages.EventIds;
import java.util.HashMap;
import java.util.Map;

/**
 * An envelope as the body. On the wire, an event without an id of its own is identified by its row, as programs that
 * know nothing of Posthaste expect; Posthaste's consumers identify it by service and row, a pair that no other service
 * has.
 */
final class EnvelopeFormat implements MessageFormat {
    @Override
    public Message write(StoredEvent event, OutboxDefinition outbox) {
        // An envelope cannot say row 0.
        boolean ownId =
                event.position() == 0 || !event.eventId().equals(EventIds.ofPosition(outbox.name(), event.position()));
        String aggregate = event.aggregateId();
        byte[] body = new Envelope(
                        event.position(),
                        ownId ? event.eventId() : Long.toString(event.position()),
                        event.type(),
                        event.version(),
                        outbox.name(),
                        aggregate == null ? event.key() : aggregate,
                        event.payload())
                .toJson();
        return Addressing.message(event, outbox, Addressing.headers(event, outbox), body);
    }

    @Override
    public Message read(Message message) {
        Envelope envelope = Envelope.open(message.body());
        Map<String, String> headers = new HashMap<>();
        String id = envelope.eventId();
        String service = envelope.serviceName();
        if (envelope.outboxId() != 0 && service != null) {
            headers.put(MessageHeaders.OUTBOX, service);
            headers.put(MessageHeaders.POSITION, Long.toString(envelope.outboxId()));
            if (id == null || id.equals(Long.toString(envelope.outboxId()))) {
                id = EventIds.ofPosition(service, envelope.outboxId());
            }
        }
        Addressing.putIfMissing(headers, MessageHeaders.EVENT_VERSION, envelope.eventVersion());
        headers.putAll(message.headers());
        Message all = Message.of(message.destination(), message.body())
                .routingKey(message.routingKey())
                .key(message.key())
                .headers(headers);
        return Addressing.opened(all, id, envelope.eventType(), envelope.payload());
    }
}
