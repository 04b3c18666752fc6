package dev.posthaste.admin;

import dev.posthaste.Status;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which events an operator looks for. What is null matches every event. Immutable.
 *
 * @param type the whole event type
 * @param key the whole event key
 * @param eventId the event's identity
 * @param from written at this time or later, by the database's clock
 * @param to written before this time; both between the years 1000 and 9999
 * @param error what the last error contains, in capitals or not
 * @param errorGroup the {@link ErrorGroup} of the last error
 */
public record Search(
        @Nullable Status status,
        @Nullable String type,
        @Nullable String key,
        @Nullable String eventId,
        @Nullable Instant from,
        @Nullable Instant to,
        @Nullable String error,
        @Nullable String errorGroup) {
    /** Every event. */
    public static final Search ALL = new Search(null, null, null, null, null, null, null, null);

    private static final Instant EARLIEST = Instant.parse("1000-01-01T00:00:00Z");
    private static final Instant LATEST = Instant.parse("9999-12-31T00:00:00Z");

    public Search {
        requireKnown("from", from);
        requireKnown("to", to);
        if (from != null && to != null && !from.isBefore(to)) {
            throw new IllegalArgumentException("'from' must be before 'to': " + from + " is not before " + to);
        }
    }

    /** Every database knows these times; beyond them each has limits of its own. */
    private static void requireKnown(String what, @Nullable Instant time) {
        if (time != null && (time.isBefore(EARLIEST) || time.isAfter(LATEST))) {
            throw new IllegalArgumentException(
                    "'" + what + "' is between " + EARLIEST + " and " + LATEST + ", not " + time);
        }
    }

    public Search withStatus(@Nullable Status status) {
        return new Search(status, type, key, eventId, from, to, error, errorGroup);
    }

    public Search withType(@Nullable String type) {
        return new Search(status, type, key, eventId, from, to, error, errorGroup);
    }

    public Search withKey(@Nullable String key) {
        return new Search(status, type, key, eventId, from, to, error, errorGroup);
    }

    public Search withEventId(@Nullable String eventId) {
        return new Search(status, type, key, eventId, from, to, error, errorGroup);
    }

    public Search written(@Nullable Instant from, @Nullable Instant to) {
        return new Search(status, type, key, eventId, from, to, error, errorGroup);
    }

    public Search withError(@Nullable String error) {
        return new Search(status, type, key, eventId, from, to, error, errorGroup);
    }

    public Search withErrorGroup(@Nullable String errorGroup) {
        return new Search(status, type, key, eventId, from, to, error, errorGroup);
    }

    /** Whether an event is told from others by more than its status and its time. */
    public boolean looksInside() {
        return type != null || key != null || eventId != null || error != null || errorGroup != null;
    }

    /** As people read it, and as the audit keeps it. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        add(text, "status", status == null ? null : status.code());
        add(text, "type", type);
        add(text, "key", key);
        add(text, "event", eventId);
        add(text, "from", from);
        add(text, "to", to);
        add(text, "error contains", error);
        add(text, "error group", errorGroup);
        return text.isEmpty() ? "all events" : text.toString();
    }

    private static void add(StringBuilder text, String name, @Nullable Object value) {
        if (value != null) {
            text.append(text.isEmpty() ? "" : ", ").append(name).append(' ').append(value);
        }
    }
}
