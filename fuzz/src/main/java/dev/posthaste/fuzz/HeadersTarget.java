package dev.posthaste.fuzz;

import dev.posthaste.broker.Message;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.internal.tracing.MessageTrace;
import dev.posthaste.opentelemetry.OpenTelemetryTracing;
import io.opentelemetry.api.OpenTelemetry;
import java.util.LinkedHashMap;
import java.util.Map;

/** Headers that other programs wrote into the table, or on a message: they yield a message, or a reason why not. */
final class HeadersTarget implements Target {
    private static final OpenTelemetryTracing TRACING = OpenTelemetryTracing.of(OpenTelemetry.noop());

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
        StoredRow event = Formats.event(dice, dice.tried("headers", EnvelopeTarget.text(stored)));
        for (MessageFormat format : Formats.ALL.values()) {
            Message message;
            try {
                message = format.write(event, Formats.OUTBOX);
            } catch (IllegalArgumentException e) {
                continue;
            }
            FindingException.unless(
                    message.headers().entrySet().stream()
                            .noneMatch(each -> each.getKey() == null || each.getValue() == null),
                    "a header has a name and a value");
            FindingException.unlessEqual(
                    "the id", event.eventId(), format.read(message).eventId());
            TRACING.start("handle", MessageTrace.of(message.headers())).close();
        }
    }
}
