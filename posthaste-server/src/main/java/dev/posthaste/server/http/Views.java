package dev.posthaste.server.http;

import dev.posthaste.Backlog;
import dev.posthaste.Status;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.DryRun;
import dev.posthaste.admin.ErrorGroup;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.internal.admin.ChangeProgress;
import dev.posthaste.internal.admin.FoundPage;
import dev.posthaste.internal.admin.NotedReplay;
import dev.posthaste.relay.internal.ReplayRun;
import dev.posthaste.server.Diagnosis;
import dev.posthaste.server.OutboxMonitor;
import dev.posthaste.server.Replays;
import dev.posthaste.server.config.Config.ConsoleConfig;
import dev.posthaste.server.config.Config.OutboxConfig;
import dev.posthaste.server.http.Security.Principal;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The records that make up the interface's JSON; {@code openapi.json} describes them. */
final class Views {
    private Views() {}

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
            @Nullable LeaseView lease) {
        static OutboxView of(String name, OutboxMonitor monitor) {
            OutboxConfig config = monitor.config(name);
            OutboxMonitor.State state = monitor.state(name);
            Diagnosis diagnosis = monitor.diagnosis(name);
            Backlog backlog = state.backlog();
            List<OutboxMonitor.Sample> recent =
                    monitor.samples(name, Instant.now().minusSeconds(15));
            Map<String, Long> counts = new LinkedHashMap<>();
            state.counts().forEach((status, count) -> counts.put(status.code(), count));
            OutboxMonitor.BrokerState broker = monitor.broker(name);
            LeaseState lease = state.lease();
            return new OutboxView(
                    name,
                    config.database(),
                    config.definition().table(),
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
                    recent.stream()
                            .mapToDouble(OutboxMonitor.Sample::written)
                            .average()
                            .orElse(0),
                    recent.stream()
                            .mapToDouble(OutboxMonitor.Sample::done)
                            .average()
                            .orElse(0),
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
    }

    record OutboxesView(List<OutboxView> outboxes) {}

    record HistoryView(List<OutboxMonitor.Sample> samples) {}

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
                    event.position(),
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

    record PageView(List<EventView> events, @Nullable Long next) {
        static PageView of(String outbox, FoundPage page) {
            return new PageView(
                    page.events().stream()
                            .map(event -> EventView.of(outbox, event))
                            .toList(),
                    page.next());
        }
    }

    /**
     * @param payload as text, pretty where it is JSON; null where the reader may not see it, or it is not text
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

    record ErrorsView(List<ErrorGroup> groups) {}

    // --- Audit -------------------------------------------------------------------------------------------------------

    record AuditView(
            long id,
            Instant at,
            String changeId,
            String actor,
            String action,
            String outbox,
            @Nullable Long position,
            @Nullable String eventId,
            long events,
            String reason,
            @Nullable String detail) {
        /** @param mayRead whether the reader may see payloads; the detail of an event's entry has it */
        static AuditView of(AuditEntry entry, boolean mayRead, Redactor redactor) {
            String detail = entry.detail();
            return new AuditView(
                    entry.id(),
                    entry.at(),
                    entry.changeId(),
                    entry.actor(),
                    entry.action().name().toLowerCase(Locale.ROOT),
                    entry.outbox(),
                    entry.position(),
                    entry.eventId(),
                    entry.events(),
                    entry.reason(),
                    entry.position() == null ? detail : mayRead ? redactor.json(detail) : null);
        }
    }

    record AuditPageView(List<AuditView> entries, @Nullable Long next) {}

    // --- Changes and replays -----------------------------------------------------------------------------------------

    /**
     * @param complete whether all was done; otherwise the request's time was over, or rows were locked, and repeating
     *     the same change id continues
     */
    record ResultView(String changeId, long events, boolean repeated, boolean complete, long locked) {
        static ResultView of(Change change, ChangeResult result, boolean complete) {
            return new ResultView(
                    change.id(), result.events(), result.repeated(), complete && result.locked() == 0, result.locked());
        }
    }

    record DryRunView(long events, boolean counted, List<EventView> sample) {
        static DryRunView of(String outbox, DryRun dry) {
            return new DryRunView(
                    dry.events(),
                    dry.counted(),
                    dry.sample().stream()
                            .map(each -> EventView.of(outbox, each))
                            .toList());
        }
    }

    record ReplayView(
            String id,
            String outbox,
            String actor,
            String reason,
            String selection,
            Instant startedAt,
            String state,
            long sent,
            long failed,
            @Nullable String waitingFor,
            List<String> errors) {
        static ReplayView of(Replays.Running running) {
            ReplayRun.Progress progress = running.replay().progress();
            return new ReplayView(
                    running.change().id(),
                    running.outbox(),
                    running.change().actor(),
                    running.change().reason(),
                    running.selection(),
                    running.startedAt(),
                    progress.state().name().toLowerCase(Locale.ROOT),
                    progress.sent(),
                    progress.failed(),
                    progress.waitingFor(),
                    progress.errors());
        }

        /** One that this process does not run. */
        static ReplayView of(NotedReplay noted) {
            ChangeProgress progress = noted.progress();
            String state = noted.live()
                    ? "elsewhere"
                    : progress.state() == ChangeProgress.State.RUNNING
                            ? "interrupted" // its process died
                            : progress.state().name().toLowerCase(Locale.ROOT);
            return new ReplayView(
                    noted.change().id(),
                    noted.outbox(),
                    noted.change().actor(),
                    noted.change().reason(),
                    progress.what(),
                    noted.begunAt(),
                    state,
                    progress.events(),
                    progress.failed(),
                    null,
                    List.of());
        }
    }

    record ReplaysView(List<ReplayView> replays) {}

    // --- Sessions ----------------------------------------------------------------------------------------------------

    /** @param name null when nobody is logged in */
    record SessionView(
            String daemon,
            boolean needsLogin,
            @Nullable String name,
            @Nullable String role,
            @Nullable String csrf) {
        static SessionView of(String daemon, ConsoleConfig config, Principal principal) {
            return new SessionView(
                    daemon,
                    config.needsLogin(),
                    principal.name(),
                    principal.role().name().toLowerCase(Locale.ROOT),
                    principal.csrf());
        }

        static SessionView ofNobody(String daemon, ConsoleConfig config) {
            return new SessionView(daemon, config.needsLogin(), null, null, null);
        }
    }
}
