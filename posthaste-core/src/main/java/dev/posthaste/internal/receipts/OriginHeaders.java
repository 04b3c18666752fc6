package dev.posthaste.internal.receipts;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.internal.messages.EventIds;
import dev.posthaste.internal.store.Receipt;
import org.jspecify.annotations.Nullable;

/** The receipts for a message, whose headers say which row of which outbox it came from. */
public final class OriginHeaders {
    private OriginHeaders() {}

    /**
     * That the event of this message was handled. Null if the message does not say where it came from, or is one that
     * no outbox expects a receipt for: a replay's, or one that the broker itself answers for.
     */
    public static Receipt.@Nullable Consumed consumed(Message message) {
        if (message.headers().containsKey(MessageHeaders.REPLAY)
                || message.headers().containsKey(MessageHeaders.NO_RECEIPTS)) {
            return null;
        }
        String outbox = message.headers().get(MessageHeaders.OUTBOX);
        Long row = EventIds.position(position(message));
        String id = message.eventId();
        if (outbox == null || row == null || id == null) {
            return null;
        }
        return new Receipt.Consumed(outbox, row, id);
    }

    private static @Nullable String position(Message message) {
        String position = message.headers().get(MessageHeaders.POSITION);
        return position == null ? message.headers().get(MessageHeaders.ROW) : position;
    }

    /**
     * That the event of this message failed, and is to be published again; names what the message said about its row.
     */
    public static Receipt.Failed failed(Receipt.Consumed origin, Message message, String error) {
        return new Receipt.Failed(
                origin.outbox(),
                origin.row(),
                origin.eventId(),
                number(message, MessageHeaders.ATTEMPTS),
                number(message, MessageHeaders.GENERATION),
                error);
    }

    /** That the event of this message can never be handled; names what the message said about its row. */
    public static Receipt.Rejected rejected(Receipt.Consumed origin, Message message, String error) {
        return new Receipt.Rejected(
                origin.outbox(),
                origin.row(),
                origin.eventId(),
                number(message, MessageHeaders.ATTEMPTS),
                number(message, MessageHeaders.GENERATION),
                error);
    }

    private static @Nullable Integer number(Message message, String header) {
        String number = message.headers().get(header);
        return number == null || !number.matches("[0-9]{1,9}") ? null : Integer.valueOf(number);
    }
}
