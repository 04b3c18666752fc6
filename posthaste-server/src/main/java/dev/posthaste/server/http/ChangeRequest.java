package dev.posthaste.server.http;

import dev.posthaste.admin.Change;
import dev.posthaste.admin.Search;
import io.javalin.http.Context;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The body with which all changes are requested; what a change does not need may be left out. It says why, and may bring an id
 * by which a second click is known for what it is.
 */
record ChangeRequest(
        @Nullable String reason,
        @Nullable String changeId,
        @Nullable List<Long> ids,
        @Nullable Map<String, String> search,
        @Nullable String keep,
        @Nullable List<String> statuses,
        @Nullable String destination,
        @Nullable String routingKey,
        @Nullable Integer perSecond,
        @Nullable Boolean dryRun) {
    ChangeRequest {
        requireNoNull("ids", ids);
        requireNoNull("statuses", statuses);
    }

    private static void requireNoNull(String what, @Nullable List<?> list) {
        if (list != null && list.contains(null)) {
            throw new IllegalArgumentException("'" + what + "' has an element that is null");
        }
    }

    static ChangeRequest of(Context context) {
        return Params.body(context, ChangeRequest.class);
    }

    /** Who changes something, and why. */
    Change change(Context context) {
        if (reason == null) {
            throw new HttpProblemException(400, "'reason' is missing: why, in words; it goes into the audit");
        }
        return new Change(
                Security.Principal.of(context).name(),
                reason,
                changeId == null ? UUID.randomUUID().toString() : changeId);
    }

    /** The rows that are named; empty if none are. */
    List<Long> rows() {
        return ids == null ? List.of() : List.copyOf(ids);
    }

    Search found() {
        return search == null ? Search.ALL : Params.search(search::get);
    }

    boolean isDry() {
        return Boolean.TRUE.equals(dryRun);
    }
}
