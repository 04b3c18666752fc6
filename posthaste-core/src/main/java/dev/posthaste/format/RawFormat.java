package dev.posthaste.format;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Message;

/** The payload as the body, the rest as headers. */
final class RawFormat implements MessageFormat {
    @Override
    public Message write(StoredEvent event, OutboxDefinition outbox) {
        return Addressing.message(event, outbox, Addressing.headers(event, outbox), event.payload());
    }

    @Override
    public Message read(Message message) {
        return message;
    }
}
