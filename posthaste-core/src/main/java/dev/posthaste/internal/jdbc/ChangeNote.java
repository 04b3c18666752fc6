package dev.posthaste.internal.jdbc;

import static dev.posthaste.internal.admin.FilterParts.with;

import dev.posthaste.Status;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.ChangeProgress;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.internal.json.Json;
import dev.posthaste.internal.json.JsonException;
import dev.posthaste.internal.json.JsonObject;
import dev.posthaste.internal.text.DurationText;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a change's audit entry says about its progress: in its first line for people, in its second as JSON, for
 * continuing it.
 *
 * @param runner the only process that may run it; null if several may
 * @param seenMicros when that was last reported, by the database's clock
 */
record ChangeNote(ChangeProgress progress, @Nullable String runner, long seenMicros) {
    /** A process that has been silent this long is dead. A clock that was set back is noticed in the same way. */
    private static final long MAX_SILENCE_MICROS = 30_000_000;

    private static final Pattern ISO_AGE = Pattern.compile("older than (PT[^:]+)");

    /**
     * @return null if the detail is not of such a change, or was written by a version that noted no progress, or in
     * another form
     */
    static @Nullable ChangeNote of(@Nullable String detail) {
        int end = detail == null ? -1 : detail.indexOf('\n');
        if (detail == null || end < 0) {
            return null;
        }
        try {
            JsonObject note = Json.object(detail.substring(end + 1));
            JsonObject progress = note == null ? null : note.object("progress");
            return note == null || progress == null
                    ? null
                    : new ChangeNote(progress(progress), note.text("runner"), note.number("seenMicros"));
        } catch (JsonException | IllegalArgumentException | DateTimeException e) {
            return null;
        }
    }

    private static ChangeProgress progress(JsonObject json) {
        String what = json.text("what");
        String state = json.text("state");
        if (what == null || state == null) {
            throw new IllegalArgumentException("it does not record what was selected, or its progress");
        }
        JsonObject plan = json.object("plan");
        return new ChangeProgress(
                ChangeProgress.State.valueOf(state),
                inWords(what),
                json.number("events"),
                json.number("failed"),
                json.number("through"),
                json.number("after"),
                plan == null ? null : plan(plan));
    }

    /** Earlier versions wrote times in ISO 8601; their changes are continued too. */
    private static String inWords(String what) {
        Matcher old = ISO_AGE.matcher(what);
        return old.lookingAt()
                ? "older than " + DurationText.of(Duration.parse(old.group(1))) + what.substring(old.end(1))
                : what;
    }

    private static ReplayPlan plan(JsonObject json) {
        JsonObject selection = json.object("selection");
        JsonObject search = selection == null ? null : selection.object("search");
        if (selection == null || search == null) {
            throw new IllegalArgumentException("its plan has no selection");
        }
        long[] ids = selection.list("ids").stream()
                .mapToLong(id -> Long.parseLong(((JsonObject.Scalar) id).text()))
                .toArray();
        return new ReplayPlan(
                filter(ids, search),
                json.text("destination"),
                json.text("routingKey"),
                Math.toIntExact(json.number("perSecond")));
    }

    private static EventFilter filter(long[] ids, JsonObject search) {
        String status = search.text("status");
        EventFilter filter = ids.length > 0
                ? EventFilter.positions(ids)
                : status == null ? EventFilter.all() : EventFilter.status(Status.valueOf(status));
        filter = with(filter, search.text("type"), EventFilter::type);
        filter = with(filter, search.text("key"), EventFilter::key);
        filter = with(filter, search.text("eventId"), EventFilter::eventId);
        filter = with(filter, search.text("from"), (copy, time) -> copy.from(Instant.parse(time)));
        filter = with(filter, search.text("to"), (copy, time) -> copy.to(Instant.parse(time)));
        filter = with(filter, search.text("error"), EventFilter::error);
        filter = with(filter, search.text("errorGroup"), EventFilter::errorGroup);
        return with(filter, search.text("limit"), (copy, limit) -> copy.limit(Integer.parseInt(limit)));
    }

    /** The part for people. */
    static @Nullable String words(@Nullable String detail) {
        int end = detail == null ? -1 : detail.indexOf('\n');
        return detail == null || end < 0 ? detail : detail.substring(0, end);
    }

    String detail() {
        Map<String, @Nullable Object> note = new LinkedHashMap<>();
        note.put("progress", json(progress));
        note.put("runner", runner);
        note.put("seenMicros", seenMicros);
        return progress + "\n" + Json.write(note);
    }

    private static Map<String, @Nullable Object> json(ChangeProgress progress) {
        ReplayPlan plan = progress.plan();
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("state", progress.state().name());
        json.put("what", progress.what());
        json.put("events", progress.events());
        json.put("failed", progress.failed());
        json.put("through", progress.through());
        json.put("after", progress.after());
        json.put("plan", plan == null ? null : json(plan));
        return json;
    }

    private static Map<String, @Nullable Object> json(ReplayPlan plan) {
        Map<String, @Nullable Object> selection = new LinkedHashMap<>();
        selection.put("search", json(plan.filter()));
        selection.put("ids", plan.filter().positions());
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("selection", selection);
        json.put("destination", plan.destination());
        json.put("routingKey", plan.routingKey());
        json.put("perSecond", plan.perSecond());
        return json;
    }

    private static Map<String, @Nullable Object> json(EventFilter search) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("status", search.status() == null ? null : search.status().name());
        json.put("type", search.type());
        json.put("key", search.key());
        json.put("eventId", search.eventId());
        json.put("from", search.from() == null ? null : search.from().toString());
        json.put("to", search.to() == null ? null : search.to().toString());
        json.put("error", search.error());
        json.put("errorGroup", search.errorGroup());
        json.put("limit", search.limit() == null ? null : search.limit().toString());
        return json;
    }

    boolean isLive(long nowMicros) {
        return runner != null
                && progress.state() == ChangeProgress.State.RUNNING
                && Math.abs(nowMicros - seenMicros) <= MAX_SILENCE_MICROS;
    }

    String sign() {
        return runner + " " + seenMicros;
    }
}
