package dev.posthaste.server.http;

import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventFilter;
import io.javalin.http.Context;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The body of every request for a change; what a change does not need may be left out. It says why, and may carry an id
 * by which a second click is recognised.
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
        @Nullable Long expecting,
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
        Change change = Change.by(Security.Principal.of(context).name(), reason);
        change = changeId == null ? change : change.id(changeId);
        return expecting == null ? change : change.expecting(expecting);
    }

    boolean namesPositions() {
        return ids != null && !ids.isEmpty();
    }

    /** The events that are named. */
    private EventFilter positions() {
        return EventFilter.positions(
                Objects.requireNonNull(ids).stream().mapToLong(Long::longValue).toArray());
    }

    /** The events that are named, or what the search finds. */
    EventFilter events() {
        return namesPositions() ? positions() : search == null ? EventFilter.all() : Params.search(search::get);
    }

    /** The events that are named, or the dead events that the search finds. */
    EventFilter dead() {
        if (namesPositions()) {
            return positions();
        }
        if (search == null) {
            throw new HttpProblemException(400, "Select events: 'ids', or 'search' for all dead events that it finds");
        }
        return Params.dead(search::get);
    }

    boolean isDry() {
        return Boolean.TRUE.equals(dryRun);
    }
}
