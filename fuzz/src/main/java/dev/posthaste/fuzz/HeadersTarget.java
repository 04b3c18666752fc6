package dev.posthaste.fuzz;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageTrace;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.journal.StoredEvent;
import java.util.LinkedHashMap;
import java.util.Map;

/** Headers that other programs wrote into the table, or on a message: a message comes of them, or a reason why not. */
final class HeadersTarget implements Target {
    @Override
    public String name() {
        return "headers";
    }

    @Override
    public void run(Dice dice) {
        Map<String, String> headers = new LinkedHashMap<>();
        for (String each : Formats.NAMES_OF_OTHERS) {
            if (dice.oneIn(6)) {
                headers.put(each, dice.quoted(dice.text(40)));
            }
        }
        byte[] stored = dice.mutated(Dice.utf8(dice.oneIn(8) ? dice.json(2) : dice.objectLike(headers)));
        StoredEvent event = Formats.event(dice, dice.tried("headers", EnvelopeTarget.text(stored)));
        for (MessageFormat format : Formats.ALL.values()) {
            Message message;
            try {
                message = format.write(event, Formats.OUTBOX);
            } catch (IllegalArgumentException e) {
                continue;
            }
            Finding.unless(
                    !message.headers().containsValue(null) && !message.headers().containsKey(null),
                    "a header has a name and a value");
            Finding.unlessEqual("the id", event.eventId(), format.read(message).eventId());
            MessageTrace.of(message);
        }
    }
}
