package dev.posthaste.rabbitmq;

import com.rabbitmq.client.AMQP;
import dev.posthaste.broker.Outcome;
import java.util.List;
import java.util.function.Supplier;

/**
 * Answers the messages that were unconfirmed when the server closed their channel or connection because of one of them.
 * If there was only one, it is the cause; if there were several, all of them are suspects. Thread-safe; not to be called
 * under the session's lock, because it calls callbacks.
 */
final class CloseVerdicts {
    private final Suspects suspects;
    private final UnsentMessages unsent;

    CloseVerdicts(Suspects suspects, UnsentMessages unsent) {
        this.suspects = suspects;
        this.unsent = unsent;
    }

    /**
     * This message was the only one that was unconfirmed.
     *
     * @param scope what the server closed
     * @param code the AMQP reply code
     */
    void guilty(Publication guilty, int code, String text, Suspects.Scope scope) {
        boolean perhapsTheServersOwnFault = code == AMQP.INTERNAL_ERROR || code == AMQP.RESOURCE_ERROR;
        if (perhapsTheServersOwnFault && suspects.scope(guilty) == null) {
            suspects.add(guilty, scope);
            guilty.answer(Outcome.unknown("RabbitMQ failed: " + text));
            return;
        }
        suspects.clear(guilty);
        Outcome refused = Outcome.rejected("RabbitMQ refused it: " + text);
        guilty.answer(refused);
        // Messages that wait for a missing exchange would meet the same; one attempt for each would cause a storm of
        // channels.
        if (code == AMQP.NOT_FOUND) {
            unsent.answer(guilty.exchange(), waiting -> true, refused);
        } else if (code == AMQP.ACCESS_REFUSED) {
            unsent.answer(guilty.exchange(), waiting -> waiting.routingKey().equals(guilty.routingKey()), refused);
        }
    }

    /**
     * One of several messages is the cause; which one is not known.
     *
     * @param unconfirmed takes them out of the window; called once
     */
    void suspects(Supplier<List<ExchangeChannel.Outstanding>> unconfirmed, Suspects.Scope scope, String reason) {
        Outcome unknown = Outcome.unknown(
                reason + ". Several messages were unconfirmed; each is sent alone when it is published again");
        List<ExchangeChannel.Outstanding> all = unconfirmed.get();
        try {
            all.forEach(each -> suspects.add(each.publication, scope));
        } finally {
            all.forEach(each -> each.publication.answer(unknown));
        }
    }
}
