package dev.posthaste.relay;

import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.journal.StoredEvent;
import java.util.HashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** Makes a message of an event. */
public interface MessageFormat {

    /** The payload as the body, the rest as headers. */
    MessageFormat RAW = new MessageFormat() {
        private static final TypeReference<Map<String, String>> HEADERS = new TypeReference<>() {};

        @Override
        public Message message(StoredEvent event, Route route) {
            Map<String, String> headers = new HashMap<>();
            String written = event.headers();
            if (written != null) {
                try {
                    Map<String, String> read = JsonMapper.shared().readValue(written, HEADERS);
                    if (read != null) {
                        headers.putAll(read);
                    }
                } catch (JacksonException e) {
                    throw new IllegalArgumentException("its headers are no JSON object of texts", e);
                }
            }
            headers.put(MessageHeaders.EVENT_ID, event.eventId());
            headers.put(MessageHeaders.EVENT_TYPE, event.type());
            headers.put(MessageHeaders.EVENT_VERSION, event.version());
            String key = event.key();
            if (key != null) {
                headers.put(MessageHeaders.EVENT_KEY, key);
            }
            String destination = event.destination();
            String routingKey = event.routingKey();
            return new Message(
                    destination == null ? route.destination() : destination,
                    routingKey == null ? route.routingKey() : routingKey,
                    key,
                    headers,
                    event.payload());
        }
    };

    /** @throws IllegalArgumentException if no message can ever be made of the event; says why */
    Message message(StoredEvent event, Route route);
}
