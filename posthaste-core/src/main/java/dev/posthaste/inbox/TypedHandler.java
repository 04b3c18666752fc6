package dev.posthaste.inbox;

import dev.posthaste.OutboxEvent;
import dev.posthaste.PayloadSerializer;
import dev.posthaste.broker.Message;
import dev.posthaste.internal.json.MissingSerializer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A handler, and what its payloads are read as.
 *
 * @param max how many events it takes together
 */
record TypedHandler<T>(Class<T> payload, BatchHandler<T> handler, int max, HandlerOptions<T> options) {

    /** The payload is not what the handler's type needs. */
    static final class MalformedPayloadException extends Exception {
        MalformedPayloadException(Exception cause) {
            super(cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage(), cause);
        }
    }

    private record Batch(Connection connection, List<EventContext> events) implements BatchContext {}

    /** The event type of an annotated class. */
    static String type(Class<?> annotated) {
        OutboxEvent event = annotated.getAnnotation(OutboxEvent.class);
        if (event == null) {
            throw new IllegalArgumentException(annotated.getName() + " is not annotated with @OutboxEvent");
        }
        return event.value();
    }

    static <T> TypedHandler<T> single(Class<T> payload, Handler<? super T> handler, HandlerOptions<T> options) {
        BatchHandler<T> one = (payloads, context) ->
                handler.handle(payloads.get(0), context.events().get(0));
        return new TypedHandler<>(payload, one, 1, options);
    }

    /** @throws IllegalArgumentException unless payloads of its type need no library */
    void requireNoSerializer() {
        if (payload != byte[].class && payload != String.class) {
            throw new IllegalArgumentException(MissingSerializer.message(payload));
        }
    }

    boolean takesBatches() {
        return max > 1;
    }

    void run(PayloadSerializer serializer, Connection connection, List<EventContext> events) throws Exception {
        List<T> payloads = new ArrayList<>(events.size());
        for (EventContext event : events) {
            payloads.add(read(serializer, event.message()));
        }
        handler.handle(payloads, new Batch(connection, events));
    }

    /** @throws NullPointerException if it has no fallback */
    void runFallback(PayloadSerializer serializer, EventContext event, Throwable cause) throws Exception {
        Objects.requireNonNull(options.fallback()).handle(read(serializer, event.message()), event, cause);
    }

    private T read(PayloadSerializer serializer, Message message)
            throws MalformedPayloadException, InterruptedException {
        byte[] body = message.body();
        if (payload == byte[].class) {
            return payload.cast(body);
        }
        if (payload == String.class) {
            return payload.cast(new String(body, StandardCharsets.UTF_8));
        }
        try {
            return serializer.read(body, payload, new MessageInfo(message));
        } catch (InterruptedException e) {
            throw e; // the inbox closes; the payload is not to blame
        } catch (Exception e) {
            throw new MalformedPayloadException(e);
        }
    }
}
