package dev.posthaste.reliability.torture;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.rabbitmq.RabbitBroker;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/** What the consumers gave up on for good, as the broker keeps it in the end. */
final class DeadLetters {
    private DeadLetters() {}

    /** A dead letter's event; empty if another program sent the message, which does not say. */
    record Letter(String event, String key) {}

    /** Reads without removing anything. */
    static List<Letter> read(Setup setup) throws Exception {
        return switch (setup.wire()) {
            case RABBITMQ -> errorQueue(setup);
            case KAFKA -> deadLetterTopic(setup);
            case LOCAL -> List.of(); // events given up on are dead in the outbox
        };
    }

    private static List<Letter> errorQueue(Setup setup) throws Exception {
        List<Letter> letters = new ArrayList<>();
        ConnectionFactory factory = new ConnectionFactory();
        factory.setUri(setup.broker());
        String queue = RabbitBroker.errorQueue(
                Objects.requireNonNull(setup.wire().route().group()));
        try (Connection connection = factory.newConnection("dead letters");
                Channel channel = connection.createChannel()) {
            GetResponse message;
            while ((message = channel.basicGet(queue, false)) != null) {
                letters.add(letter(message.getProps()));
            }
        }
        return letters;
    }

    private static Letter letter(AMQP.BasicProperties properties) {
        Map<String, Object> headers = Objects.requireNonNullElse(properties.getHeaders(), Map.of());
        Object event =
                properties.getMessageId() == null ? headers.get(MessageHeaders.EVENT_ID) : properties.getMessageId();
        return new Letter(text(event), text(headers.get(MessageHeaders.EVENT_KEY)));
    }

    private static String text(@Nullable Object header) {
        return header == null ? "" : header.toString();
    }

    private static List<Letter> deadLetterTopic(Setup setup) {
        List<Letter> letters = new ArrayList<>();
        String topic = KafkaBroker.deadLetterTopic(
                Objects.requireNonNull(setup.wire().route().group()));
        Topic.read(
                setup,
                topic,
                record -> letters.add(new Letter(
                        text(record.headers(), MessageHeaders.EVENT_ID),
                        text(record.headers(), MessageHeaders.EVENT_KEY))));
        return letters;
    }

    private static String text(Headers headers, String name) {
        Header header = headers.lastHeader(name);
        return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    }
}
