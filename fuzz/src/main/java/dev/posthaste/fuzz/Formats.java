package dev.posthaste.fuzz;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.messages.EventIds;
import dev.posthaste.internal.store.StoredRow;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** All message formats, and events for them. */
final class Formats {
    static final OutboxDefinition OUTBOX =
            OutboxDefinition.named("orders").route(Route.to("orders")).types("order.placed");

    static final Map<String, MessageFormat> ALL = all();

    private static Map<String, MessageFormat> all() {
        Map<String, MessageFormat> all = new LinkedHashMap<>();
        all.put("raw", MessageFormat.RAW);
        all.put("envelope", MessageFormat.ENVELOPE);
        all.put("cloudevents", MessageFormat.cloudEvents("/shop"));
        all.put("cloudevents of amqp", MessageFormat.cloudEventsAmqp("/shop"));
        all.put("cloudevents structured", MessageFormat.cloudEventsStructured("/shop"));
        return all;
    }

    private Formats() {}

    static Map.Entry<String, MessageFormat> draw(Dice dice) {
        Map.Entry<String, MessageFormat> format = dice.pick(List.copyOf(ALL.entrySet()));
        dice.tried("format", format.getKey());
        return format;
    }

    /** An event as {@link dev.posthaste.Outbox} may have stored it. */
    static StoredRow event(Dice dice, @Nullable String headers) {
        long row = dice.id();
        return dice.tried(
                "event",
                new StoredRow(
                        row,
                        dice.tried("event id", dice.oneIn(6) ? EventIds.ofPosition(OUTBOX.name(), row) : dice.good(64)),
                        dice.tried("type", dice.good(128)),
                        dice.tried("version", dice.good(16)),
                        dice.oneIn(4) ? null : dice.tried("key", dice.good(128)),
                        null,
                        dice.oneIn(3) ? dice.tried("routing key", dice.good(255)) : null,
                        headers,
                        dice.tried("payload", Dice.utf8(dice.json(3)))));
    }

    /** Headers that a program may have set, by name. */
    static Map<String, String> headers(Dice dice) {
        Map<String, String> headers = new LinkedHashMap<>();
        for (int i = dice.below(4); i > 0; i--) {
            headers.put(dice.good(128), Dice.whole(dice.text(200)).replace("\0", ""));
        }
        for (String each : NAMES_OF_OTHERS) {
            if (dice.oneIn(20)) {
                headers.put(each, Dice.whole(dice.text(40)).replace("\0", ""));
            }
        }
        return dice.tried("headers", headers);
    }

    /** Headers that have a meaning to other software, and may come from a message that a program forwards. */
    static final List<String> NAMES_OF_OTHERS = names();

    private static List<String> names() {
        List<String> names = new ArrayList<>(List.of(
                "traceparent",
                "tracestate",
                "content-type",
                "Content-Type",
                "ce_id",
                "ce_source",
                "ce_type",
                "ce_specversion",
                "cloudEvents:id",
                "cloudEvents_id",
                "posthaste-custom"));
        for (String each : List.of(
                "event-id",
                "event-type",
                "event-version",
                "event-key",
                "outbox",
                "position",
                "row",
                "attempts",
                "generation",
                "digest",
                "replay",
                "no-receipts",
                "error",
                "error-stack")) {
            names.add("posthaste-" + each);
        }
        return List.copyOf(names);
    }
}
