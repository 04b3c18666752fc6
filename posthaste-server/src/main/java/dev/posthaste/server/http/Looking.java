package dev.posthaste.server.http;

import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.ErrorGroup;
import dev.posthaste.admin.EventDetails;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.admin.Page;
import dev.posthaste.admin.Search;
import dev.posthaste.journal.Journal;
import dev.posthaste.server.Desk;
import dev.posthaste.server.Diagnosis;
import dev.posthaste.server.Watch;
import dev.posthaste.server.config.Config.OutboxConfig;
import dev.posthaste.server.config.Config.Role;
import io.javalin.http.Context;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What is only looked at. */
final class Looking {
    private static final int PAGE = 50;
    private static final int AUDIT_PAGE = 100;

    private final Desk desk;
    private final Masks masks;

    Looking(Desk desk, Masks masks) {
        this.desk = desk;
        this.masks = masks;
    }

    // --- Outboxes ----------------------------------------------------------------------------------------------------

    record BrokerView(boolean up, @Nullable String reason, Instant since) {}

    record LeaseView(
            @Nullable String owner,
            long epoch,
            long expiresInMillis,
            @Nullable String pausedBy,
            List<String> relays) {}

    record OutboxView(
            String name,
            String database,
            String table,
            String broker,
            String destination,
            boolean tracked,
            String level,
            List<String> words,
            Instant at,
            @Nullable Long pending,
            @Nullable Long dead,
            @Nullable Long oldestMillis,
            Map<String, Long> counts,
            @Nullable Instant countedAt,
            double writtenPerSecond,
            double donePerSecond,
            @Nullable BrokerView brokerState,
            @Nullable LeaseView lease) {}

    record OutboxesView(List<OutboxView> outboxes) {}

    void outboxes(Context context) {
        context.json(new OutboxesView(
                desk.watch().outboxes().stream().map(this::view).toList()));
    }

    void outbox(Context context) {
        context.json(view(name(context)));
    }

    /** The outbox of the path. */
    private String name(Context context) {
        String name = context.pathParam("outbox");
        desk.site().admin().outbox(name);
        return name;
    }

    private OutboxView view(String name) {
        OutboxConfig config = desk.watch().config(name);
        Watch.State state = desk.watch().state(name);
        Diagnosis diagnosis = desk.watch().diagnosis(name);
        Journal.Backlog backlog = state.backlog();
        List<Watch.Sample> recent = desk.watch().samples(name, Instant.now().minusSeconds(15));
        Map<String, Long> counts = new LinkedHashMap<>();
        state.counts().forEach((status, count) -> counts.put(status.code(), count));
        Watch.BrokerState broker = desk.watch().broker(name);
        LeaseState lease = state.lease();
        return new OutboxView(
                name,
                config.database(),
                config.definition().table().table(),
                config.broker(),
                config.definition().route().destination(),
                config.definition().tracked(),
                diagnosis.level().name().toLowerCase(Locale.ROOT),
                diagnosis.words(),
                state.at(),
                backlog == null ? null : backlog.pending(),
                backlog == null ? null : backlog.dead(),
                backlog == null ? null : backlog.oldestAge().toMillis(),
                counts,
                state.countedAt(),
                recent.stream().mapToDouble(Watch.Sample::written).average().orElse(0),
                recent.stream().mapToDouble(Watch.Sample::done).average().orElse(0),
                broker == null ? null : new BrokerView(broker.up(), broker.reason(), broker.since()),
                lease == null
                        ? null
                        : new LeaseView(
                                lease.owner(),
                                lease.epoch(),
                                lease.expiresIn().toMillis(),
                                lease.pausedBy(),
                                lease.relays()));
    }

    record HistoryView(List<Watch.Sample> samples) {}

    void history(Context context) {
        String name = name(context);
        int minutes = number(context, "minutes", 15, 1, 60);
        context.json(new HistoryView(desk.watch().samples(name, Instant.now().minus(Duration.ofMinutes(minutes)))));
    }

    // --- Events ------------------------------------------------------------------------------------------------------

    record EventView(
            String outbox,
            long id,
            String eventId,
            String type,
            String version,
            @Nullable String key,
            @Nullable String destination,
            @Nullable String routingKey,
            String status,
            int attempts,
            @Nullable Integer maxAttempts,
            @Nullable String error,
            @Nullable Instant createdAt,
            @Nullable Instant nextAttemptAt,
            @Nullable Instant publishedAt,
            @Nullable Instant consumedAt,
            @Nullable Instant updatedAt) {
        static EventView of(String outbox, FoundEvent event) {
            Status status = event.status();
            return new EventView(
                    outbox,
                    event.id(),
                    event.eventId(),
                    event.type(),
                    event.version(),
                    event.key(),
                    event.destination(),
                    event.routingKey(),
                    status == null ? event.statusCode() : status.code(),
                    event.attempts(),
                    event.maxAttempts(),
                    event.error(),
                    event.createdAt(),
                    event.nextAttemptAt(),
                    event.publishedAt(),
                    event.consumedAt(),
                    event.updatedAt());
        }
    }

    record PageView(List<EventView> events, @Nullable Long next) {}

    void events(Context context) {
        String name = name(context);
        Long before = context.queryParam("before") == null ? null : longNumber(context, "before");
        Page page = desk.site()
                .admin()
                .search(
                        name,
                        search(context::queryParam),
                        before,
                        number(context, "limit", PAGE, 1, Admin.LONGEST_PAGE));
        context.json(new PageView(
                page.events().stream().map(event -> EventView.of(name, event)).toList(), page.next()));
    }

    /** Where a search's parts come from: a query, or a body. */
    interface Parts {
        @Nullable
        String get(String name);
    }

    static Search search(Parts parts) {
        String status = text(parts, "status");
        return new Search(
                status == null ? null : status(status),
                text(parts, "type"),
                text(parts, "key"),
                text(parts, "eventId"),
                time(parts, "from"),
                time(parts, "to"),
                text(parts, "error"),
                text(parts, "errorGroup"));
    }

    static Status status(String code) {
        try {
            return Status.ofCode(code);
        } catch (IllegalArgumentException e) {
            throw new HttpProblem(400, "'status' is pending, published, consumed or dead, not '" + code + "'");
        }
    }

    private static @Nullable String text(Parts parts, String name) {
        String text = parts.get(name);
        return text == null || text.isEmpty() ? null : text;
    }

    private static @Nullable Instant time(Parts parts, String name) {
        String text = text(parts, name);
        try {
            return text == null ? null : Instant.parse(text);
        } catch (DateTimeParseException e) {
            throw new HttpProblem(400, "'" + name + "' is a time like 2026-01-31T12:00:00Z, not '" + text + "'");
        }
    }

    private static int number(Context context, String name, int fallback, int least, int most) {
        long number = context.queryParam(name) == null ? fallback : longNumber(context, name);
        if (number < least || number > most) {
            throw new HttpProblem(400, "'" + name + "' is from " + least + " to " + most + ", not " + number);
        }
        return (int) number;
    }

    private static long longNumber(Context context, String name) {
        try {
            return Long.parseLong(Objects.requireNonNull(context.queryParam(name)));
        } catch (NumberFormatException e) {
            throw new HttpProblem(400, "'" + name + "' is a number");
        }
    }

    /**
     * @param payload as text, pretty where it is JSON; null where the reader may not see it, or it is no text
     * @param payloadBytes its length
     * @param hidden why there is no payload to see, or null
     */
    record DetailsView(
            EventView event,
            @Nullable String headers,
            @Nullable String payload,
            int payloadBytes,
            @Nullable String hidden,
            @Nullable String defect,
            List<AuditView> audit) {}

    void event(Context context) {
        String name = name(context);
        EventDetails details = details(context, name);
        boolean mayRead = Login.principal(context).role().covers(Role.READER);
        byte[] payload = details.stored().payload();
        String text = mayRead ? masks.text(payload) : null;
        String hidden = !mayRead ? "role" : text == null ? "binary" : null;
        context.json(new DetailsView(
                EventView.of(name, details.event()),
                mayRead ? masks.json(details.stored().headers()) : null,
                text,
                payload.length,
                hidden,
                details.stored().defect(),
                desk.site().admin().audit(name, details.event().id(), null, AUDIT_PAGE).stream()
                        .map(entry -> auditView(entry, mayRead))
                        .toList()));
    }

    private EventDetails details(Context context, String name) {
        long id;
        try {
            id = Long.parseLong(context.pathParam("id"));
        } catch (NumberFormatException e) {
            throw new HttpProblem(400, "A row's id is a number");
        }
        return desk.site()
                .admin()
                .find(name, id)
                .orElseThrow(() -> new HttpProblem(404, "Outbox " + name + " has no row " + id));
    }

    /** As a file, whatever is in it: never as something that a browser would show. */
    void payload(Context context) {
        String name = name(context);
        EventDetails details = details(context, name);
        byte[] payload = details.stored().payload();
        String text = masks.text(payload);
        context.contentType("text/plain; charset=utf-8");
        context.header(
                "Content-Disposition",
                "attachment; filename=\"" + name.replaceAll("[^A-Za-z0-9._-]", "_") + "-"
                        + details.event().id() + ".txt\"");
        if (text == null) {
            context.contentType("application/octet-stream").result(payload);
        } else {
            context.result(text);
        }
    }

    record ErrorsView(List<ErrorGroup> groups) {}

    void errors(Context context) {
        context.json(new ErrorsView(desk.site().admin().errors(name(context))));
    }

    // --- Audit -------------------------------------------------------------------------------------------------------

    record AuditView(
            long id,
            Instant at,
            String changeId,
            String actor,
            String action,
            String outbox,
            @Nullable Long row,
            @Nullable String eventId,
            long events,
            String reason,
            @Nullable String detail) {}

    record AuditPageView(List<AuditView> entries, @Nullable Long next) {}

    private AuditView auditView(AuditEntry entry, boolean mayRead) {
        String detail = entry.detail();
        return new AuditView(
                entry.id(),
                entry.at(),
                entry.changeId(),
                entry.actor(),
                entry.action().name().toLowerCase(Locale.ROOT),
                entry.outbox(),
                entry.row(),
                entry.eventId(),
                entry.events(),
                entry.reason(),
                entry.row() == null ? detail : mayRead ? masks.json(detail) : null);
    }

    void audit(Context context) {
        String outbox = text(context::queryParam, "outbox");
        Long before = context.queryParam("before") == null ? null : longNumber(context, "before");
        Long row = context.queryParam("row") == null ? null : longNumber(context, "row");
        int limit = number(context, "limit", AUDIT_PAGE, 1, Admin.LONGEST_PAGE);
        boolean mayRead = Login.principal(context).role().covers(Role.READER);
        List<AuditEntry> entries = desk.site().admin().audit(outbox, row, before, limit);
        Long next = outbox != null && entries.size() == limit
                ? Long.valueOf(entries.get(limit - 1).id())
                : null;
        context.json(new AuditPageView(
                entries.stream().map(entry -> auditView(entry, mayRead)).toList(), next));
    }
}
