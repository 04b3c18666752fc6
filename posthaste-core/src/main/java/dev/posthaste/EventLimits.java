package dev.posthaste;

import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.EventTable.Payload;
import dev.posthaste.internal.names.Names;
import dev.posthaste.internal.text.DurationText;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Rejects as invalid what an event's table could not hold or some broker could not send: see {@link JdbcOutbox} for the
 * limits.
 * What passes is stored and sent as it is; nothing is cut or replaced silently.
 */
final class EventLimits {
    private static final Duration MAX_DELAY = Duration.ofDays(36_525);

    private EventLimits() {}

    /** @throws InvalidEventException if anything but the event's headers and payload is outside the limits */
    static void check(Event event, OutboxDefinition outbox) {
        EventTable layout = outbox.eventTable();
        requireShort(event, "id", event.id(), layout.length(Column.EVENT_ID));
        requireShort(event, "type", event.type(), layout.length(Column.TYPE));
        requireStripped(event, "id", event.id());
        requireNoControls(event);
        requireStripped(event, "type", event.type());
        requireText(event, "version", event.version(), layout.length(Column.VERSION));
        requireText(event, "key", event.key(), layout.length(Column.KEY));
        requireShort(event, "routing key", event.routingKey(), layout.length(Column.ROUTING_KEY));
        requireDestination(event, outbox);
        requireColumns(event, layout);
        if (!layout.isStandard()) {
            requireRoomForTheRoute(event, outbox);
        }
        if (event.delay().isNegative() || event.delay().compareTo(MAX_DELAY) > 0) {
            throw invalid(event, "its delay is " + DurationText.of(event.delay()) + "; 0 to 100 years are allowed");
        }
        Integer attempts = event.attempts();
        if (attempts != null && attempts < 1) {
            throw invalid(event, "its attempts are " + attempts + "; at least 1 is required");
        }
    }

    static void checkHeaders(Event event, Map<String, String> headers) {
        headers.forEach((name, value) -> {
            requireShort(event, "header name", name, EventTable.MAX_HEADER_NAME);
            requireText(event, "header " + name, value, EventTable.MAX_HEADER_VALUE);
        });
    }

    /** @throws InvalidEventException if {@code bytes} of headers are more than the outbox or the table allow */
    static void checkHeaderBytes(Event event, int bytes, int most, EventTable layout) {
        if (bytes > most) {
            throw invalid(
                    event,
                    "its headers have " + bytes + " bytes as JSON; " + most
                            + " are allowed. Put what is large into the payload, or raise JdbcOutbox.maxHeaderBytes");
        }
        requireRoom(event, "headers", bytes, Column.HEADERS, layout);
    }

    /** @throws InvalidEventException if the table's payload column does not hold that many bytes */
    static void checkStoredPayload(Event event, int bytes, EventTable layout) {
        requireRoom(event, "payload", bytes, Column.PAYLOAD, layout);
    }

    private static void requireRoom(Event event, String what, int bytes, Column column, EventTable layout) {
        int most = layout.length(column);
        if (most > 0 && bytes > most) {
            throw invalid(
                    event,
                    "its " + what + " takes " + bytes + " bytes in table " + layout.table() + ", whose layout allows "
                            + most + " (length." + column.key() + ")");
        }
    }

    private static void requireDestination(Event event, OutboxDefinition outbox) {
        String destination = event.destination();
        if (destination != null && !outbox.allows(destination)) {
            throw invalid(
                    event,
                    "its destination '" + destination + "' is not among those allowed for outbox " + outbox.name()
                            + "; add it to the outbox's allowed destinations");
        }
        String prefix = outbox.eventTable().destinationPrefix();
        if (destination != null && !destination.startsWith(prefix)) {
            throw invalid(event, "its destination '" + destination + "' does not begin with " + prefix);
        }
    }

    /** Other programs' tables store the route and the outbox's name in every row. */
    private static void requireRoomForTheRoute(Event event, OutboxDefinition outbox) {
        EventTable layout = outbox.eventTable();
        if (layout.has(Column.DESTINATION)) {
            String own = event.destination();
            String full = own == null ? outbox.route().destination() : own;
            String stored = full.substring(layout.destinationPrefix().length());
            requireText(event, "destination", stored, layout.length(Column.DESTINATION));
        }
        if (layout.has(Column.ROUTING_KEY) && event.routingKey() == null) {
            requireText(event, "routing key", outbox.route().routingKey(), layout.length(Column.ROUTING_KEY));
        }
        if (layout.has(Column.SERVICE)) {
            requireText(event, "outbox's name", outbox.name(), layout.length(Column.SERVICE));
        }
    }

    /** Everything that the event specifies must have a column; nothing is left out silently. */
    private static void requireColumns(Event event, EventTable layout) {
        boolean envelope = layout.payload() == Payload.ENVELOPE;
        requireColumn(event, layout, Column.KEY, "a key, and without it no order is kept", event.key() != null);
        requireColumn(
                event,
                layout,
                Column.VERSION,
                "a version",
                !envelope && !event.version().equals("v1"));
        requireColumn(event, layout, Column.DESTINATION, "a destination", event.destination() != null);
        requireColumn(event, layout, Column.ROUTING_KEY, "a routing key", event.routingKey() != null);
        requireColumn(event, layout, Column.HEADERS, "headers", !event.headers().isEmpty());
        requireColumn(event, layout, Column.MAX_ATTEMPTS, "attempts", event.attempts() != null);
    }

    private static void requireColumn(Event event, EventTable layout, Column column, String what, boolean required) {
        if (required && !layout.has(column)) {
            throw invalid(event, "table " + layout.table() + " has no column for " + what);
        }
    }

    /** A text that AMQP sends as a short string, whose length it counts in bytes. */
    private static void requireShort(Event event, String what, @Nullable String value, int most) {
        requireText(event, what, value, most);
        if (value != null && Names.bytes(value) > Names.MAX_BYTES) {
            throw invalid(
                    event,
                    "its " + what + " has " + Names.bytes(value) + " bytes in UTF-8; " + Names.MAX_BYTES
                            + " are allowed, which is the longest that RabbitMQ can send");
        }
    }

    private static void requireText(Event event, String what, @Nullable String value, int most) {
        if (value == null) {
            return;
        }
        if (value.length() > most) {
            throw invalid(event, "its " + what + " has more than " + most + " characters");
        }
        if (value.indexOf('\0') >= 0) {
            throw invalid(event, "its " + what + " has a NUL character");
        }
        requireWholeCharacters(event, what, value);
    }

    /**
     * UTF-8 cannot express half of a surrogate pair. Java writes a question mark instead, and two different ids or keys
     * could become one.
     */
    static void requireWholeCharacters(Event event, String what, CharSequence value) {
        for (int i = 0; i < value.length(); i++) {
            char each = value.charAt(i);
            if (Character.isHighSurrogate(each)
                    && i + 1 < value.length()
                    && Character.isLowSurrogate(value.charAt(i + 1))) {
                i++;
            } else if (Character.isSurrogate(each)) {
                throw invalid(
                        event,
                        "its " + what + " has half of a surrogate pair at index " + i + ", which is not a character");
            }
        }
    }

    private static void requireStripped(Event event, String what, String value) {
        if (value.isBlank() || !value.equals(value.strip())) {
            throw invalid(event, "its " + what + " is blank or has white space around it");
        }
    }

    /** No consumer accepts such an id: some databases cannot tell all of them apart. */
    private static void requireNoControls(Event event) {
        if (event.id().chars().anyMatch(Character::isISOControl)) {
            throw invalid(event, "its id contains control characters");
        }
    }

    static InvalidEventException invalid(Event event, String why) {
        return new InvalidEventException(event + " is invalid: " + why);
    }
}
