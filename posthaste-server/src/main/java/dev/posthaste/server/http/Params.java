package dev.posthaste.server.http;

import static dev.posthaste.internal.admin.FilterParts.with;

import dev.posthaste.Status;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.server.ServerContext;
import io.javalin.http.Context;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import org.jspecify.annotations.Nullable;

/**
 * What a request asks for, read from its path, its query and its body. Whatever cannot be read is an {@link
 * HttpProblemException} with the status 400 that says what is expected.
 */
final class Params {
    private Params() {}

    /** Where a search's parts come from: a query, or a body. */
    interface Parts {
        @Nullable
        String get(String name);
    }

    /** The outbox of the path, which exists. */
    static StoreOutboxAdmin outbox(Context context, ServerContext server) {
        return server.deployment().admin().outbox(context.pathParam("outbox"));
    }

    /** The position of the path. */
    static long position(Context context) {
        try {
            return Long.parseLong(context.pathParam("id"));
        } catch (NumberFormatException e) {
            throw new HttpProblemException(400, "A position is a number");
        }
    }

    /**
     * A request's body.
     *
     * @throws tools.jackson.core.JacksonException if it is not of this type; answered with 400 too
     */
    static <T> T body(Context context, Class<T> type) {
        T body = HttpServer.JSON.readValue(context.body(), type);
        if (body == null) {
            throw new HttpProblemException(400, "The request's body is a JSON object, not null");
        }
        return body;
    }

    static EventFilter search(Parts parts) {
        String status = text(parts, "status");
        return search(status == null ? EventFilter.all() : EventFilter.status(status(status)), parts);
    }

    /** A search for dead events, whether or not it names the status. */
    static EventFilter dead(Parts parts) {
        String status = text(parts, "status");
        if (status != null && status(status) != Status.DEAD) {
            throw new HttpProblemException(
                    400, "Only dead events are requeued and discarded; leave 'status' out, or set it to dead");
        }
        return search(EventFilter.status(Status.DEAD), parts);
    }

    private static EventFilter search(EventFilter filter, Parts parts) {
        EventFilter search = with(filter, text(parts, "type"), EventFilter::type);
        search = with(search, text(parts, "key"), EventFilter::key);
        search = with(search, text(parts, "eventId"), EventFilter::eventId);
        search = with(search, time(parts, "from"), EventFilter::from);
        search = with(search, time(parts, "to"), EventFilter::to);
        search = with(search, text(parts, "error"), EventFilter::error);
        return with(search, text(parts, "errorGroup"), EventFilter::errorGroup);
    }

    static Status status(String code) {
        try {
            return Status.ofCode(code);
        } catch (IllegalArgumentException e) {
            throw new HttpProblemException(400, "'status' is pending, published, consumed or dead, not '" + code + "'");
        }
    }

    static Duration keep(String text) {
        try {
            return Duration.parse(text);
        } catch (DateTimeParseException e) {
            throw new HttpProblemException(400, "'keep' is an ISO duration such as P7D or PT12H, not '" + text + "'");
        }
    }

    /** Null if it is missing or empty. */
    static @Nullable String text(Parts parts, String name) {
        String text = parts.get(name);
        return text == null || text.isEmpty() ? null : text;
    }

    private static @Nullable Instant time(Parts parts, String name) {
        String text = text(parts, name);
        try {
            return text == null ? null : Instant.parse(text);
        } catch (DateTimeParseException e) {
            throw new HttpProblemException(
                    400, "'" + name + "' is a time like 2026-01-31T12:00:00Z, not '" + text + "'");
        }
    }

    /** A number of the query, or null. */
    static @Nullable Long number(Context context, String name) {
        String text = context.queryParam(name);
        try {
            return text == null ? null : Long.valueOf(text);
        } catch (NumberFormatException e) {
            throw new HttpProblemException(400, "'" + name + "' is a number");
        }
    }

    static int number(Context context, String name, int fallback, int least, int most) {
        Long given = number(context, name);
        long number = given == null ? fallback : given;
        if (number < least || number > most) {
            throw new HttpProblemException(400, "'" + name + "' is from " + least + " to " + most + ", not " + number);
        }
        return (int) number;
    }
}
