package dev.posthaste.tests;

import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;

/** Messages for inboxes, and how they were answered. */
final class Deliveries {
    final List<String> answers = new CopyOnWriteArrayList<>();

    static Message message(String type, String id, String key, String body) {
        return Message.of("topic", body.getBytes(StandardCharsets.UTF_8))
                .key(key)
                .headers(Map.of(MessageHeaders.EVENT_ID, id, MessageHeaders.EVENT_TYPE, type));
    }

    /** A message whose id is its body. */
    Delivery of(String type, String key, String body) {
        return of(message(type, body, key, body));
    }

    Delivery of(Message message) {
        return new Delivery() {
            @Override
            public Message message() {
                return message;
            }

            @Override
            public void done() {
                answers.add("done " + message.eventId());
            }

            @Override
            public void deadLetter(Failure failure) {
                answers.add("dead " + message.eventId() + ": " + failure.reason());
            }

            @Override
            public void abandoned() {
                answers.add("abandoned " + message.eventId());
            }
        };
    }

    void await(int number) {
        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> answers.size() >= number);
    }
}
