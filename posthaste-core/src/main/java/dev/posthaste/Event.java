package dev.posthaste;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Something that happened in the application, to be told to others. Immutable, and immutable once written.
 *
 * <pre>{@code
 * Event.of("order.placed", "order-42", order)
 * Event.builder("order.placed").key("order-42").payload(order).header("tenant", "acme").delay(Duration.ofMinutes(5)).build()
 * }</pre>
 *
 * <p>The {@link #key()} asks for order: events of one key are published in the order of their row ids, one at a time.
 * Row ids follow the business order only when the application writes the event <em>after</em> it has locked the
 * aggregate's row in the same transaction. A key also waits for its delayed and its failing events; give an event no
 * key when its order does not matter.
 *
 * <p>The payload is a {@code byte[]} or a {@link CharSequence}, stored as it is, or any object, stored as the JSON that
 * the outbox's mapper makes of it.
 */
public final class Event {
    private final String id;
    private final String type;
    private final String version;
    private final @Nullable String key;
    private final @Nullable String destination;
    private final @Nullable String routingKey;
    private final Map<String, String> headers;
    private final Object payload;
    private final Duration delay;
    private final @Nullable Integer maxAttempts;

    private Event(Builder builder) {
        this.id = builder.id == null ? EventId.next() : builder.id;
        this.type = builder.type;
        this.version = builder.version;
        this.key = builder.key;
        this.destination = builder.destination;
        this.routingKey = builder.routingKey;
        this.headers = Map.copyOf(builder.headers);
        this.payload = Objects.requireNonNull(builder.payload, "an event needs a payload");
        this.delay = builder.delay;
        this.maxAttempts = builder.maxAttempts;
    }

    /** An event with a new id and no options. {@code key} may be null: then no order is asked for. */
    public static Event of(String type, @Nullable String key, Object payload) {
        return builder(type).key(key).payload(payload).build();
    }

    public static Builder builder(String type) {
        return new Builder(type);
    }

    /** The event's identity everywhere and for ever; a second write with the same id is refused. */
    public String id() {
        return id;
    }

    public String type() {
        return type;
    }

    /** The schema version of the payload, {@code v1} unless said otherwise. */
    public String version() {
        return version;
    }

    public @Nullable String key() {
        return key;
    }

    /** Topic or exchange in place of the route's, or null. */
    public @Nullable String destination() {
        return destination;
    }

    public @Nullable String routingKey() {
        return routingKey;
    }

    public Map<String, String> headers() {
        return headers;
    }

    public Object payload() {
        return payload;
    }

    /** How long after the write the event becomes due; zero for at once. Its key waits with it. */
    public Duration delay() {
        return delay;
    }

    /** Attempts before the event is dead, in place of the retry policy's, or null. */
    public @Nullable Integer maxAttempts() {
        return maxAttempts;
    }

    /** Names the event without its payload, which is never logged. */
    @Override
    public String toString() {
        return "Event[" + id + " " + type + " key=" + key + "]";
    }

    /** Collects what an event says. Not thread-safe. */
    public static final class Builder {
        private final String type;
        private @Nullable String id;
        private String version = "v1";
        private @Nullable String key;
        private @Nullable String destination;
        private @Nullable String routingKey;
        private final Map<String, String> headers = new LinkedHashMap<>();
        private @Nullable Object payload;
        private Duration delay = Duration.ZERO;
        private @Nullable Integer maxAttempts;

        private Builder(String type) {
            this.type = Objects.requireNonNull(type, "an event needs a type");
        }

        /**
         * The caller's idempotency key: when the answer to a COMMIT is lost, writing the event again with the same id
         * can never make two.
         */
        public Builder id(String id) {
            this.id = id;
            return this;
        }

        public Builder version(String version) {
            this.version = version;
            return this;
        }

        public Builder key(@Nullable String key) {
            this.key = key;
            return this;
        }

        public Builder destination(@Nullable String destination) {
            this.destination = destination;
            return this;
        }

        public Builder routingKey(@Nullable String routingKey) {
            this.routingKey = routingKey;
            return this;
        }

        public Builder header(String name, String value) {
            this.headers.put(name, value);
            return this;
        }

        public Builder payload(Object payload) {
            this.payload = payload;
            return this;
        }

        public Builder delay(Duration delay) {
            this.delay = delay;
            return this;
        }

        public Builder maxAttempts(int maxAttempts) {
            this.maxAttempts = maxAttempts;
            return this;
        }

        public Event build() {
            return new Event(this);
        }
    }
}
