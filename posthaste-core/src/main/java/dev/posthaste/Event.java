package dev.posthaste;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Something that happened in the application, to be announced to other services. Immutable: every method with a
 * parameter returns a changed copy.
 *
 * <pre>{@code
 * Event.of("order.placed", "order-42", order)
 * Event.of("order.placed", "order-42", order).header("tenant", "acme").delay(Duration.ofMinutes(5))
 * }</pre>
 *
 * <p>The {@link #key()} asks for order: events with the same key are published in the order of their positions in the
 * table, one at a time. Positions follow the business order only if the application writes the event <em>after</em> it has
 * locked the aggregate's row in the same transaction. A key also waits for its delayed and its failing events; give an event
 * no key if its order does not matter.
 *
 * <p>The payload is a {@code byte[]} or a {@link CharSequence}, stored as it is, or any other object, stored as the
 * outbox's serializer writes it. A {@code byte[]} is not copied: do not change it afterwards.
 */
@CheckReturnValue
public final class Event {
    private static final TimeBasedEpochGenerator GENERATOR = Generators.timeBasedEpochGenerator();

    private final Fields fields;

    /** An event's fields; changed only until an event holds them. */
    private static final class Fields implements Cloneable {
        private String id = newId();
        private final String type;
        private String version = "v1";
        private final @Nullable String key;
        private final Object payload;
        private Map<String, String> headers = Map.of();
        private Duration delay = Duration.ZERO;
        private @Nullable Integer attempts;
        private @Nullable String destination;
        private @Nullable String routingKey;

        private Fields(String type, @Nullable String key, Object payload) {
            this.type = Objects.requireNonNull(type, "type");
            this.key = key;
            this.payload = Objects.requireNonNull(payload, "payload");
        }

        /** All but the payload, which may be an array. */
        private List<@Nullable Object> others() {
            return Arrays.asList(id, type, version, key, headers, delay, attempts, destination, routingKey);
        }

        private Fields copy() {
            try {
                return (Fields) super.clone();
            } catch (CloneNotSupportedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private Event(Fields fields) {
        this.fields = fields;
    }

    private Event with(Consumer<Fields> change) {
        Fields changed = fields.copy();
        change.accept(changed);
        return new Event(changed);
    }

    /**
     * An event with a new id.
     *
     * @param key null if its order does not matter
     */
    public static Event of(String type, @Nullable String key, Object payload) {
        return new Event(new Fields(type, key, payload));
    }

    /**
     * An event of an annotated class: {@link OutboxEvent} gives its type and version, the member with {@link EventKey} its
     * key, and the object itself is the payload.
     *
     * @throws IllegalArgumentException if the class is not annotated, or has two keys
     */
    public static Event of(Object annotated) {
        EventClass described = EventClass.of(annotated.getClass());
        return of(described.type(), described.key(annotated), annotated).version(described.version());
    }

    /**
     * A new id: a UUIDv7 (RFC 9562) of 36 characters, unique without coordination, and growing within one process.
     * Thread-safe.
     */
    public static String newId() {
        return GENERATOR.generate().toString();
    }

    /**
     * The caller's idempotency key, in place of a new one: if the answer to a COMMIT is lost, writing the event again
     * with the same id can never create a second one.
     */
    public Event id(String id) {
        return with(copy -> copy.id = Objects.requireNonNull(id, "id"));
    }

    /** The version of the payload's schema, in place of {@code v1}. */
    public Event version(String version) {
        return with(copy -> copy.version = Objects.requireNonNull(version, "version"));
    }

    /** Adds a header, or replaces the one with this name. */
    public Event header(String name, String value) {
        return headers(Map.of(name, value));
    }

    /** Adds all of these headers, or replaces those with these names. */
    public Event headers(Map<String, String> headers) {
        Map<String, String> all = new HashMap<>(fields.headers);
        all.putAll(headers);
        return with(copy -> copy.headers = Map.copyOf(all));
    }

    /** How long after the write the event becomes due, up to 100 years. Later events with its key wait with it. */
    public Event delay(Duration delay) {
        return with(copy -> copy.delay = Objects.requireNonNull(delay, "delay"));
    }

    /** How many attempts the event gets before it is dead, in place of the retry policy's number. */
    public Event attempts(int most) {
        return with(copy -> copy.attempts = most);
    }

    /** A topic or exchange in place of the route's; one that the outbox allows. */
    public Event destination(String topicOrExchange) {
        return with(copy -> copy.destination = Objects.requireNonNull(topicOrExchange, "destination"));
    }

    /** A routing key in place of the route's. */
    public Event routingKey(String routingKey) {
        return with(copy -> copy.routingKey = Objects.requireNonNull(routingKey, "routingKey"));
    }

    /** The event's identity, everywhere and forever; a second write with the same id fails. */
    public String id() {
        return fields.id;
    }

    /** The event's type, which decides which outbox it belongs to. */
    public String type() {
        return fields.type;
    }

    /** The version of the payload's schema; {@code v1} unless set. */
    public String version() {
        return fields.version;
    }

    /** Events with the same key are published in order; null if the order does not matter. */
    public @Nullable String key() {
        return fields.key;
    }

    /** A {@code byte[]}, a text, or an object that the outbox's serializer writes. Not copied. */
    public Object payload() {
        return fields.payload;
    }

    /** Unmodifiable. */
    public Map<String, String> headers() {
        return fields.headers;
    }

    /** Zero if the event is due immediately. */
    public Duration delay() {
        return fields.delay;
    }

    /** Null if the retry policy decides. */
    public @Nullable Integer attempts() {
        return fields.attempts;
    }

    /** Null if the route decides. */
    public @Nullable String destination() {
        return fields.destination;
    }

    /** Null if the route decides. */
    public @Nullable String routingKey() {
        return fields.routingKey;
    }

    /**
     * Events are equal if all they say is, including the id, which differs between any two made with {@link #of(String,
     * String, Object)}. Payloads that are {@code byte[]} are compared by content, others by their own {@code equals}.
     */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Event event
                && fields.others().equals(event.fields.others())
                && Objects.deepEquals(fields.payload, event.fields.payload);
    }

    @Override
    public int hashCode() {
        return fields.id.hashCode();
    }

    /** Names the event without its payload, which is never logged. */
    @Override
    public String toString() {
        return "Event[" + fields.id + " " + fields.type + " key=" + fields.key + "]";
    }
}
