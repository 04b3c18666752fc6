package dev.posthaste.server.cli;

import static dev.posthaste.internal.admin.FilterParts.with;

import dev.posthaste.Status;
import dev.posthaste.admin.EventFilter;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Options that select events. */
final class SearchOptions {
    @Option(names = "--status", converter = StatusWord.class, description = "pending, published, consumed or dead.")
    @Nullable
    Status status;

    @Option(names = "--type", description = "The event type.")
    @Nullable
    String type;

    @Option(names = "--key", description = "The event key.")
    @Nullable
    String key;

    @Option(names = "--event-id", description = "The event's id.")
    @Nullable
    String eventId;

    @Option(
            names = "--from",
            converter = Time.class,
            description = "Written then or later: 2026-01-31T12:00:00Z, or how long ago, such as 15m, 2h, 3d.")
    @Nullable
    Instant from;

    @Option(names = "--to", converter = Time.class, description = "Written before then; like --from.")
    @Nullable
    Instant to;

    @Option(names = "--error", description = "A part of the last error.")
    @Nullable
    String error;

    EventFilter search() {
        return search(status == null ? EventFilter.all() : EventFilter.status(status));
    }

    /** The same criteria added to {@code of}; the status is left out. */
    EventFilter search(EventFilter of) {
        EventFilter search = with(of, type, EventFilter::type);
        search = with(search, key, EventFilter::key);
        search = with(search, eventId, EventFilter::eventId);
        search = with(search, from, EventFilter::from);
        search = with(search, to, EventFilter::to);
        return with(search, error, EventFilter::error);
    }

    /** A status by its word. */
    static final class StatusWord implements ITypeConverter<Status> {
        @Override
        public Status convert(String word) {
            try {
                return Status.ofCode(word.toLowerCase(Locale.ROOT));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("'" + word + "' is not pending, published, consumed or dead");
            }
        }
    }

    /** A time, or how long ago. */
    static final class Time implements ITypeConverter<Instant> {
        @Override
        public Instant convert(String text) {
            Duration ago = Durations.parse(text);
            try {
                return ago != null ? Instant.now().minus(ago) : Instant.parse(text);
            } catch (DateTimeParseException e) {
                throw new TypeConversionException(
                        "'" + text + "' is neither a time such as 2026-01-31T12:00:00Z nor an age such as 15m, 2h, 3d");
            }
        }
    }
}
