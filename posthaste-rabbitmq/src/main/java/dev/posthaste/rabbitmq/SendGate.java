package dev.posthaste.rabbitmq;

import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.text.DurationText;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a message may be sent on a connection now, and says why not. Considers the window, the exchange's
 * channel, the alarm, and whether the message is a suspect.
 *
 * <p>Thread-safe, except where it says otherwise. Since only the publisher's thread sends, the window cannot fill up
 * between its question and its sending.
 */
final class SendGate {
    private final RabbitSession session;
    private final RabbitSettings settings;
    private final Suspects suspects;

    SendGate(RabbitSession session, RabbitSettings settings, Suspects suspects) {
        this.session = session;
        this.settings = settings;
        this.suspects = suspects;
    }

    /** Why nothing can be sent now, or null if it can. */
    @Nullable
    String refusal() {
        String why = session.alarm();
        if (why != null) {
            return "RabbitMQ blocks publishers: " + why;
        }
        long now = System.nanoTime();
        synchronized (session.lock()) {
            return session.window().isQuiet(now, settings.confirmTimeout())
                    ? "RabbitMQ is slow: no confirm for "
                            + DurationText.rounded(
                                    Duration.ofNanos(session.window().quietNanos(now))) + " with "
                            + session.window().unconfirmed()
                            + " unconfirmed; nothing more is sent until one comes"
                    : null;
        }
    }

    /** The outcome of a message whose exchange cannot be declared or gives no confirms, or null. Publisher's thread only. */
    @Nullable
    Outcome refusal(String exchange) {
        String undeclared = session.declarations().refusal(exchange);
        if (undeclared != null) {
            return Outcome.unavailable(undeclared);
        }
        long now = System.nanoTime();
        long timeout = settings.confirmTimeout().toNanos();
        synchronized (session.lock()) {
            ExchangeChannel channel = session.channels().of(exchange);
            return channel != null && channel.isOpen() && channel.isQuiet(now, timeout)
                    ? Outcome.unavailable("no confirm came for exchange '" + exchange + "' for "
                            + DurationText.of(settings.confirmTimeout())
                            + "; nothing more is sent to it until one comes")
                    : null;
        }
    }

    /** The outcome of a message that waited too long: it says whether only its own exchange is slow. */
    Outcome tooLate(String exchange) {
        String waited =
                "the message waited longer than " + DurationText.of(settings.sendWithin()) + " and was not sent";
        String refusal = refusal();
        if (refusal != null) {
            return Outcome.unavailable(refusal);
        }
        boolean probing = session.patience().probing();
        synchronized (session.lock()) {
            ExchangeChannel channel = session.channels().of(exchange);
            boolean room = !session.window().isFull()
                    && !session.window().isAlone()
                    && !probing
                    && session.activity().since() == 0;
            return room && session.usable() && channel != null && !channel.isIdle()
                    ? Outcome.unavailable(
                            "exchange '" + exchange + "' accepts only one message at a time at present: " + waited)
                    : Outcome.unavailable("RabbitMQ at " + settings.address() + " is too slow: " + waited);
        }
    }

    /**
     * Whether {@link RabbitSession#send} can do something with the message now: send it, or refuse it. Publisher's
     * thread only.
     */
    boolean isReady(Publication publication) {
        if (!session.usable() || refusal() != null || refusal(publication.exchange()) != null) {
            return true;
        }
        if (session.declarations().isPending(publication.exchange())) {
            return false;
        }
        Suspects.Scope suspected = suspects.scope(publication);
        synchronized (session.lock()) {
            if (session.window().isFull()) {
                return false;
            }
            if (!session.window().isEmpty()
                    && (session.window().isAlone()
                            || suspected == Suspects.Scope.CONNECTION
                            || session.patience().probing())) {
                return false;
            }
            ExchangeChannel channel = session.channels().of(publication.exchange());
            if (channel == null || !channel.isOpen()) {
                return channel != null || session.channels().haveRoom();
            }
            return channel.admits(suspected != null);
        }
    }

    /** Whether everything else waits for this message, so that it can be alone on the connection. */
    boolean isUrgent(Publication publication) {
        return suspects.scope(publication) == Suspects.Scope.CONNECTION;
    }

    boolean isTooOld(Publication publication) {
        return System.nanoTime() - publication.since() > settings.sendWithin().toNanos();
    }
}
