package dev.posthaste.fuzz;

import dev.posthaste.internal.messages.Envelope;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * An envelope reads back exactly what it wrote; whatever others wrote becomes an envelope, or an error that says what
 * is wrong.
 */
final class EnvelopeTarget implements Target {
    private static final JsonMapper INNER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(StreamReadConstraints.DEFAULT_MAX_DEPTH - 1)
                            .build())
                    .build())
            .build();

    @Override
    public String name() {
        return "envelope";
    }

    @Override
    public void run(Dice dice) {
        if (dice.oneIn(2)) {
            own(dice);
        } else {
            foreign(dice);
        }
    }

    private static void own(Dice dice) {
        byte[] payload = dice.tried("payload", Dice.utf8(dice.json(3)));
        Envelope envelope = new Envelope(
                dice.tried("outbox id", dice.id()),
                member(dice, "event id"),
                member(dice, "type"),
                member(dice, "version"),
                member(dice, "service"),
                member(dice, "aggregate"),
                payload);
        byte[] json;
        try {
            json = envelope.toJson();
        } catch (IllegalArgumentException e) {
            FindingException.unless(
                    !isUnicode(envelope) || !isJson(payload), "an envelope with valid Unicode and JSON can be written");
            return;
        }
        Envelope read = Envelope.open(dice.tried("json", json));
        sameMembers(envelope, read);
        FindingException.unlessEqual("the payload", text(payload).strip(), text(read.payload()));
    }

    private static @Nullable String member(Dice dice, String what) {
        return dice.oneIn(5) ? null : dice.tried(what, dice.text(64));
    }

    private static boolean isUnicode(Envelope envelope) {
        return Dice.isUnicode(envelope.eventId())
                && Dice.isUnicode(envelope.eventType())
                && Dice.isUnicode(envelope.eventVersion())
                && Dice.isUnicode(envelope.serviceName())
                && Dice.isUnicode(envelope.aggregateId());
    }

    /** Whether it is JSON that can be nested one level deeper. */
    static boolean isJson(byte[] json) {
        try {
            return !INNER.readTree(json).isMissingNode();
        } catch (JacksonException e) {
            return false;
        }
    }

    private static void foreign(Dice dice) {
        Map<String, String> members = new LinkedHashMap<>();
        members.put("outbox_id", dice.number());
        members.put("event_id", dice.quoted(dice.text(64)));
        members.put("event_type", dice.quoted(dice.text(64)));
        members.put("service_name", dice.quoted(dice.text(64)));
        members.put("aggregate_id", dice.quoted(dice.text(64)));
        members.put("payload", dice.json(3));
        byte[] json = dice.tried("json", dice.mutated(Dice.utf8(dice.objectLike(members))));
        Envelope envelope;
        try {
            envelope = Envelope.open(json);
        } catch (IllegalArgumentException e) {
            return;
        }
        Envelope again = Envelope.open(dice.tried("written again", envelope.toJson()));
        sameMembers(envelope, again);
        FindingException.unlessEqual("the payload", text(envelope.payload()), text(again.payload()));
    }

    /** An empty member is equivalent to a missing one. */
    private static void sameMembers(Envelope expected, Envelope found) {
        FindingException.unlessEqual("the outbox id", expected.outboxId(), found.outboxId());
        FindingException.unlessEqual("the event id", noneIfEmpty(expected.eventId()), found.eventId());
        FindingException.unlessEqual("the type", noneIfEmpty(expected.eventType()), found.eventType());
        FindingException.unlessEqual("the version", noneIfEmpty(expected.eventVersion()), found.eventVersion());
        FindingException.unlessEqual("the service", noneIfEmpty(expected.serviceName()), found.serviceName());
        FindingException.unlessEqual("the aggregate", noneIfEmpty(expected.aggregateId()), found.aggregateId());
    }

    static @Nullable String noneIfEmpty(@Nullable String text) {
        return text == null || text.isEmpty() ? null : text;
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
