package dev.posthaste.rabbitmq;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** One message and its callback, which is called once: the first outcome counts, later ones are ignored. Thread-safe. */
final class Publication {
    private final Message message;
    private final Consumer<Outcome> callback;
    private final FaultLog faults;
    private final String identity;
    private final long since = System.nanoTime();
    private final AtomicBoolean answered = new AtomicBoolean();

    /** @throws RuntimeException if the message lacks an exchange or a body, or its headers cannot be read */
    Publication(Message message, Consumer<Outcome> callback, FaultLog faults) {
        Objects.requireNonNull(message.destination(), "the exchange");
        Objects.requireNonNull(message.body(), "the body");
        this.message = message;
        this.callback = callback;
        this.faults = faults;
        String id = message.eventId();
        // Messages without an id that look the same count as the same message, which is harmless.
        this.identity = message.destination()
                + '\0'
                + (id != null ? id : message.routingKey() + '\0' + Arrays.hashCode(message.body()));
    }

    Message message() {
        return message;
    }

    String exchange() {
        return message.destination();
    }

    String routingKey() {
        String key = message.routingKey();
        return key == null ? "" : key;
    }

    /** Identifies the message when the caller publishes it again: its exchange and event id. */
    String identity() {
        return identity;
    }

    /** When {@link RabbitBroker#publish} was called, on the clock of {@link System#nanoTime}. */
    long since() {
        return since;
    }

    void answer(Outcome outcome) {
        if (answered.compareAndSet(false, true)) {
            try {
                callback.accept(outcome);
            } catch (Throwable t) { // the caller's code; whatever it throws concerns no other message
                faults.report("The callback of a published message failed", t);
            }
        }
    }
}
