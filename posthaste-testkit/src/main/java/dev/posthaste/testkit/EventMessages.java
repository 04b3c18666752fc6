package dev.posthaste.testkit;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.PayloadSerializer;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.internal.store.StoredRow;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Makes the message of an event that was never in an outbox. */
final class EventMessages {
    private EventMessages() {}

    /** @throws Exception what the serializer throws */
    static Message of(Event event, Catalog catalog) throws Exception {
        OutboxDefinition outbox = outbox(event.type(), catalog);
        StoredRow stored = new StoredRow(
                0,
                event.id(),
                event.type(),
                event.version(),
                event.key(),
                event.destination(),
                event.routingKey(),
                headers(event),
                payload(event));
        // There is no row that a receipt could be for.
        return outbox.format().write(stored, outbox).header(MessageHeaders.NO_RECEIPTS, "test");
    }

    private static OutboxDefinition outbox(String type, Catalog catalog) {
        return catalog.outboxes().stream()
                .filter(each -> each.types().contains(type))
                .findFirst()
                .orElseGet(() -> OutboxDefinition.named("test").types(type));
    }

    private static @Nullable String headers(Event event) throws Exception {
        return event.headers().isEmpty()
                ? null
                : new String(PayloadSerializer.json().write(event.headers(), info(event)), StandardCharsets.UTF_8);
    }

    private static byte[] payload(Event event) throws Exception {
        if (event.payload() instanceof byte[] bytes) {
            return bytes;
        }
        return event.payload() instanceof CharSequence text
                ? text.toString().getBytes(StandardCharsets.UTF_8)
                : PayloadSerializer.json().write(event.payload(), info(event));
    }

    private static WrittenRow.Info info(Event event) {
        return new WrittenRow.Info(event.type(), event.version(), event.headers());
    }
}
