package dev.posthaste.fuzz;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.receipts.OriginHeaders;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.StoredRow;
import java.util.HashMap;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** A consumer reads what a relay wrote: the same event, and the row that it came from. */
final class FormatsTarget implements Target {
    @Override
    public String name() {
        return "formats";
    }

    @Override
    public void run(Dice dice) {
        Map<String, String> headers = Formats.headers(dice);
        StoredRow event = Formats.event(
                dice, headers.isEmpty() ? null : JsonMapper.shared().writeValueAsString(headers));
        Map.Entry<String, MessageFormat> named = Formats.draw(dice);
        MessageFormat format = named.getValue();
        boolean isJson = EnvelopeTarget.isJson(event.payload());
        Message message;
        try {
            message = format.write(event, Formats.OUTBOX);
        } catch (IllegalArgumentException e) {
            FindingException.unless(!isJson, "an event with JSON can be written in every format");
            return;
        }
        Message read = format.read(message);
        FindingException.unlessEqual("the id", event.eventId(), read.eventId());
        FindingException.unlessEqual("the type", event.type(), read.eventType());
        FindingException.unlessEqual(
                "the version", event.version(), read.headers().get(MessageHeaders.EVENT_VERSION));
        FindingException.unlessEqual("the key", event.key(), read.key());
        FindingException.unlessEqual(
                "the key's header", event.key(), read.headers().get(MessageHeaders.EVENT_KEY));
        FindingException.unlessEqual("the payload", payload(event.payload()), payload(read.body()));
        FindingException.unlessEqual(
                "the receipt's row",
                new Receipt.Consumed(Formats.OUTBOX.name(), event.position(), event.eventId()),
                OriginHeaders.consumed(read));
        for (Map.Entry<String, String> each : headers.entrySet()) {
            if (!Formats.NAMES_OF_OTHERS.contains(each.getKey())) {
                FindingException.unlessEqual(
                        "header " + each.getKey(),
                        each.getValue(),
                        read.headers().get(each.getKey()));
            }
        }
        boolean isKnownByItsRow = event.eventId().equals(Long.toString(event.position()));
        if (named.getKey().equals("envelope") && !isKnownByItsRow) {
            withoutHeaders(dice, event, message);
        }
    }

    /** Anything between the two may drop all headers: the envelope distinguishes its service's events from others'. */
    private static void withoutHeaders(Dice dice, StoredRow event, Message message) {
        Message bare = Message.of(message.destination(), message.body())
                .key(message.key())
                .headers(new HashMap<>());
        Message read = MessageFormat.ENVELOPE.read(bare);
        dice.tried("without headers", read.headers());
        FindingException.unlessEqual("the id without headers", event.eventId(), read.eventId());
        FindingException.unlessEqual("the type without headers", event.type(), read.eventType());
        if (event.position() != 0) {
            FindingException.unlessEqual(
                    "the receipt's row without headers",
                    new Receipt.Consumed(Formats.OUTBOX.name(), event.position(), event.eventId()),
                    OriginHeaders.consumed(read));
        }
    }

    private static String payload(byte[] bytes) {
        return EnvelopeTarget.text(bytes).strip();
    }
}
