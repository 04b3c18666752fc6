package dev.posthaste.fuzz;

import dev.posthaste.broker.Message;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.messages.Digest;
import dev.posthaste.internal.receipts.OriginHeaders;
import dev.posthaste.internal.tracing.MessageTrace;
import dev.posthaste.opentelemetry.OpenTelemetryTracing;
import io.opentelemetry.api.OpenTelemetry;
import java.util.LinkedHashMap;
import java.util.Map;

/** Messages from other programs are either read or refused with a reason, nothing else. */
final class ForeignMessagesTarget implements Target {
    private static final OpenTelemetryTracing TRACING = OpenTelemetryTracing.of(OpenTelemetry.noop());

    @Override
    public String name() {
        return "foreign";
    }

    @Override
    public void run(Dice dice) {
        Message message = message(dice);
        MessageFormat format = Formats.draw(dice).getValue();
        Digest.matches(message);
        TRACING.start("handle", MessageTrace.of(message.headers())).close();
        OriginHeaders.consumed(message);
        Message read;
        try {
            read = format.read(message);
        } catch (IllegalArgumentException e) {
            FindingException.unless(e.getMessage() != null && !e.getMessage().isBlank(), "a refusal says why");
            return;
        }
        FindingException.unless(read.body() != null, "a message that was read has a body");
        OriginHeaders.consumed(read);
        if (read.headers().equals(message.headers()) || format != MessageFormat.ENVELOPE) {
            return;
        }
        FindingException.unless(
                Dice.isUnicode(read.eventId()) || !Dice.isUnicode(message.eventId()),
                "an id read from an envelope is valid Unicode");
    }

    /** A body in one format, and headers of one that may be different. */
    static Message message(Dice dice) {
        Map<String, String> headers = new LinkedHashMap<>();
        if (dice.oneIn(2)) {
            headers.put(
                    "content-type",
                    dice.pick("application/cloudevents+json", "application/CloudEvents+json; x", "text/plain"));
        }
        String prefix = dice.pick("ce_", "cloudEvents:", "cloudEvents_");
        for (String each : new String[] {"id", "source", "type", "specversion", "traceparent", "subject"}) {
            if (!dice.oneIn(3)) {
                headers.put(prefix + each, dice.text(64));
            }
        }
        for (String each : Formats.NAMES_OF_OTHERS) {
            if (dice.oneIn(8)) {
                headers.put(each, dice.oneIn(3) ? dice.number() : dice.text(64));
            }
        }
        String json = dice.objectLike(members(dice));
        byte[] body = dice.mutated(Dice.utf8(json));
        return Message.of("orders", dice.tried("body", body))
                .routingKey(dice.oneIn(2) ? null : dice.text(20))
                .key(dice.oneIn(3) ? null : dice.tried("key", dice.text(64)))
                .headers(dice.tried("headers", headers));
    }

    private static Map<String, String> members(Dice dice) {
        Map<String, String> members = new LinkedHashMap<>();
        if (dice.oneIn(2)) {
            members.put("specversion", "\"1.0\"");
            members.put("id", dice.quoted(dice.text(64)));
            members.put("source", dice.quoted(dice.text(64)));
            members.put("type", dice.quoted("order.placed"));
            members.put(dice.pick("data", "data_base64"), dice.oneIn(2) ? dice.json(2) : "\"eyJhIjoxfQ==\"");
        } else {
            members.put("outbox_id", dice.number());
            members.put("event_id", dice.quoted(dice.text(64)));
            members.put("event_type", dice.quoted("order.placed"));
            members.put("service_name", dice.quoted(dice.text(64)));
            members.put("payload", dice.json(2));
        }
        return members;
    }
}
