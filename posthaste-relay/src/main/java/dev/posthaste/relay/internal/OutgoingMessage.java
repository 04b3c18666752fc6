package dev.posthaste.relay.internal;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.internal.messages.Digest;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.internal.store.Verdict;
import java.util.HashMap;
import java.util.Map;

/**
 * Makes an event's message, as relays and replays publish it: what the outbox's format writes, with the attempts and
 * the generation that were seen, and a digest.
 */
public final class OutgoingMessage {
    private static final Verdict.Seen NOTHING_SEEN = new Verdict.Seen(0, null);

    private OutgoingMessage() {}

    /** No message can be made from an event, or none that may be sent. */
    public static final class UnsendableException extends Exception {
        private static final long serialVersionUID = 1;

        private final boolean permanent;

        private UnsendableException(String reason, boolean permanent) {
            super(reason, null, false, false);
            this.permanent = permanent;
        }

        /** The refusal that it amounts to; no broker is asked. */
        public Outcome outcome() {
            return Outcome.rejected(String.valueOf(getMessage())).permanent(permanent);
        }
    }

    /**
     * @param seen what the event's row had counted; nothing for a replay
     * @throws UnsendableException whatever is wrong with the event or the format
     */
    public static Message of(StoredRow event, Verdict.Seen seen, OutboxDefinition outbox, MessageFormat format)
            throws UnsendableException {
        String defect = event.defect();
        if (defect != null) {
            throw new UnsendableException(defect, true);
        }
        Message message;
        try {
            message = withHeaders(format.write(event, outbox), event, seen);
        } catch (Throwable e) { // also what a format throws for a message that nests too deep
            throw new UnsendableException(reason(e), false);
        }
        if (!outbox.allows(message.destination())) {
            // A newer configuration may allow it, so it is not dead immediately.
            throw new UnsendableException(notAllowed(message.destination(), outbox), false);
        }
        return message;
    }

    static String notAllowed(String destination, OutboxDefinition outbox) {
        return "destination " + destination + " is not among those allowed for outbox " + outbox.name()
                + "; add it to the outbox's allowed destinations";
    }

    /**
     * The same for a replay: marked as one, and to the plan's destination if that has one.
     *
     * @param changeId of the change that the replay is
     */
    static Message replayed(StoredRow event, OutboxDefinition outbox, ReplayPlan plan, String changeId)
            throws UnsendableException {
        Message message =
                of(event, NOTHING_SEEN, outbox, outbox.format()).headers(Map.of(MessageHeaders.REPLAY, changeId));
        String destination = plan.destination();
        String routingKey = plan.routingKey();
        return Message.of(destination == null ? message.destination() : destination, message.body())
                .routingKey(routingKey == null ? message.routingKey() : routingKey)
                .key(message.key())
                .headers(message.headers());
    }

    private static Message withHeaders(Message written, StoredRow event, Verdict.Seen seen) {
        Map<String, String> more = new HashMap<>();
        more.put(MessageHeaders.ATTEMPTS, Integer.toString(seen.attempts()));
        if (seen.generation() != null) {
            more.put(MessageHeaders.GENERATION, Integer.toString(seen.generation()));
        }
        more.put(MessageHeaders.DIGEST, Digest.of(event.eventId(), written.body()));
        return written.headers(more);
    }

    private static String reason(Throwable thrown) {
        String message = thrown.getMessage();
        return thrown instanceof IllegalArgumentException && message != null ? message : thrown.toString();
    }
}
