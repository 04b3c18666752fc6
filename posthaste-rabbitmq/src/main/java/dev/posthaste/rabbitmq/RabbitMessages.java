package dev.posthaste.rabbitmq;

import com.rabbitmq.client.AMQP;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Between {@link Message} and AMQP's properties. */
final class RabbitMessages {
    private static final int PERSISTENT = 2;

    private RabbitMessages() {}

    static AMQP.BasicProperties properties(Message message, Map<String, String> more) {
        Map<String, Object> headers = new HashMap<>(message.headers());
        headers.putAll(more);
        return new AMQP.BasicProperties.Builder()
                .deliveryMode(PERSISTENT)
                .contentType("application/json")
                .messageId(message.eventId())
                .type(message.eventType())
                .headers(headers)
                .build();
    }

    /** What a foreign program sent says its id and type in AMQP's own properties. */
    static Message message(String exchange, String routingKey, AMQP.BasicProperties properties, byte[] body) {
        Map<String, String> headers = new HashMap<>();
        if (properties.getHeaders() != null) {
            properties.getHeaders().forEach((name, value) -> headers.put(name, String.valueOf(value)));
        }
        putIfMissing(headers, MessageHeaders.EVENT_ID, properties.getMessageId());
        putIfMissing(headers, MessageHeaders.EVENT_TYPE, properties.getType());
        return new Message(exchange, routingKey, headers.get(MessageHeaders.EVENT_KEY), headers, body);
    }

    private static void putIfMissing(Map<String, String> headers, String name, @Nullable String value) {
        if (value != null) {
            headers.putIfAbsent(name, value);
        }
    }
}
