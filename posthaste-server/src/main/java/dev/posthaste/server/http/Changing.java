package dev.posthaste.server.http;

import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeProgress;
import dev.posthaste.admin.NotedReplay;
import dev.posthaste.admin.Replay;
import dev.posthaste.admin.Search;
import dev.posthaste.server.Desk;
import dev.posthaste.server.Replays;
import io.javalin.http.Context;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What changes something. Every request says why, and may bring an id by which a second click is known for what it is. */
final class Changing {
    private static final Logger log = LoggerFactory.getLogger(Changing.class);
    private static final Duration DRY_RUN_TIME = Duration.ofSeconds(10);
    private static final Duration REQUEST_TIME = Duration.ofSeconds(20);
    private static final int PER_SECOND = 100;

    private final Desk desk;

    Changing(Desk desk) {
        this.desk = desk;
    }

    /** What all changes are asked with; what a change does not need may be left out. */
    record Request(
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
        Request {
            requireNoNull("ids", ids);
            requireNoNull("statuses", statuses);
        }

        private static void requireNoNull(String what, @Nullable List<?> list) {
            if (list != null && list.contains(null)) {
                throw new IllegalArgumentException("'" + what + "' has an element that is null");
            }
        }

        static Request of(Context context) {
            return HttpServer.body(context, Request.class);
        }

        Change change(Context context) {
            if (reason == null) {
                throw new HttpProblem(400, "'reason' is missing: why, in words; it goes into the audit");
            }
            return new Change(
                    Login.principal(context).name(),
                    reason,
                    changeId == null ? UUID.randomUUID().toString() : changeId);
        }

        boolean namesRows() {
            return ids != null && !ids.isEmpty();
        }

        Search found() {
            return search == null ? Search.ALL : Looking.search(search::get);
        }

        boolean isDry() {
            return Boolean.TRUE.equals(dryRun);
        }
    }

    private String name(Context context) {
        String name = context.pathParam("outbox");
        desk.site().admin().outbox(name);
        return name;
    }

    /**
     * @param complete whether all was done; otherwise the time of a request was over, or rows were locked, and the same change
     *     id again continues
     */
    record ResultView(String changeId, long events, boolean repeated, boolean complete, long locked) {}

    /** Until a request has taken long enough; proxies and browsers give up on longer ones. */
    private static final class InTime implements LongPredicate {
        private final long end = System.nanoTime() + REQUEST_TIME.toNanos();
        private boolean complete = true;

        @Override
        public boolean test(long done) {
            complete = System.nanoTime() - end < 0;
            return complete;
        }
    }

    private void done(
            Context context, String what, String outbox, Change change, Admin.Result result, boolean complete) {
        log.info(
                "Outbox {}: {} by {}, {} events, because: {}",
                outbox,
                what,
                change.actor(),
                result.events(),
                change.reason().replaceAll("\\p{Cntrl}", " "));
        desk.watch().hint(outbox);
        context.json(new ResultView(
                change.id(), result.events(), result.repeated(), complete && result.locked() == 0, result.locked()));
    }

    void requeue(Context context) {
        changeDead(context, "requeue");
    }

    void discard(Context context) {
        changeDead(context, "discard");
    }

    private void changeDead(Context context, String what) {
        String outbox = name(context);
        Request request = Request.of(context);
        Change change = request.change(context);
        Admin admin = desk.site().admin();
        boolean requeue = what.equals("requeue");
        if (!request.namesRows() && request.search() == null) {
            throw new HttpProblem(400, "Say which: 'ids', or 'search' for all dead events that it finds");
        }
        InTime time = new InTime();
        Admin.Result result;
        if (request.namesRows()) {
            List<Long> ids = List.copyOf(Objects.requireNonNull(request.ids()));
            result = requeue ? admin.requeue(outbox, ids, change) : admin.discard(outbox, ids, change);
        } else {
            result = requeue
                    ? admin.requeue(outbox, request.found(), change, time)
                    : admin.discard(outbox, request.found(), change, time);
        }
        done(context, what, outbox, change, result, time.complete);
    }

    void pause(Context context) {
        String outbox = name(context);
        Change change = Request.of(context).change(context);
        done(context, "pause", outbox, change, desk.site().admin().pause(outbox, change), true);
    }

    void resume(Context context) {
        String outbox = name(context);
        Change change = Request.of(context).change(context);
        done(context, "resume", outbox, change, desk.site().admin().resume(outbox, change), true);
    }

    void purge(Context context) {
        String outbox = name(context);
        Request request = Request.of(context);
        Change change = request.change(context);
        if (request.keep() == null || request.statuses() == null) {
            throw new HttpProblem(400, "'keep' (as P7D) and 'statuses' say what is old enough to be deleted");
        }
        Duration keep;
        try {
            keep = Duration.parse(request.keep());
        } catch (DateTimeParseException e) {
            throw new HttpProblem(400, "'keep' is an ISO duration as P7D or PT12H, not '" + request.keep() + "'");
        }
        List<Status> statuses = request.statuses().stream().map(Looking::status).toList();
        InTime time = new InTime();
        Admin.Result result = desk.site().admin().purge(outbox, keep, new TreeSet<>(statuses), change, time);
        done(context, "purge", outbox, change, result, time.complete);
    }

    // --- Replays -----------------------------------------------------------------------------------------------------

    record DryRunView(long events, boolean counted, List<Looking.EventView> sample) {}

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
            Replay.Progress progress = running.replay().progress();
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

        /** One that this process has nothing to do with. */
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

    void startReplay(Context context) {
        String outbox = name(context);
        Request request = Request.of(context);
        Replay.Selection selection = request.namesRows()
                ? Replay.Selection.of(Objects.requireNonNull(request.ids()))
                : Replay.Selection.of(request.found());
        Admin admin = desk.site().admin();
        if (request.isDry()) {
            long end = System.nanoTime() + DRY_RUN_TIME.toNanos();
            Admin.DryRun dry = admin.dryRun(outbox, selection, done -> System.nanoTime() - end < 0);
            context.json(new DryRunView(
                    dry.events(),
                    dry.counted(),
                    dry.sample().stream()
                            .map(each -> Looking.EventView.of(outbox, each.event()))
                            .toList()));
            return;
        }
        Change change = request.change(context);
        Replay.Plan plan = new Replay.Plan(
                selection,
                request.destination(),
                request.routingKey(),
                request.perSecond() == null ? PER_SECOND : request.perSecond());
        context.status(202).json(ReplayView.of(desk.replays().start(outbox, change, plan)));
    }

    /** Those of this process as they are now, and those that only the audit knows. */
    void replays(Context context) {
        List<ReplayView> all = new ArrayList<>();
        Set<String> mine = new HashSet<>();
        for (Replays.Running each : desk.replays().all()) {
            mine.add(each.change().id());
            all.add(ReplayView.of(each));
        }
        desk.replays().noted().stream()
                .filter(each -> !mine.contains(each.change().id()))
                .map(ReplayView::of)
                .forEach(all::add);
        context.json(new ReplaysView(all));
    }

    void replay(Context context) {
        String id = context.pathParam("id");
        Optional<ReplayView> mine = desk.replays().find(id).map(ReplayView::of);
        context.json(mine.or(() -> desk.replays().noted().stream()
                        .filter(each -> each.change().id().equals(id))
                        .map(ReplayView::of)
                        .findFirst())
                .orElseThrow(() -> unknown(id)));
    }

    void cancelReplay(Context context) {
        String id = context.pathParam("id");
        show(context, id, desk.replays().cancel(id));
    }

    void continueReplay(Context context) {
        String id = context.pathParam("id");
        show(context, id, desk.replays().resume(id));
    }

    private static void show(Context context, String id, Replays.@Nullable Running running) {
        if (running == null) {
            throw unknown(id);
        }
        context.json(ReplayView.of(running));
    }

    private static HttpProblem unknown(String id) {
        return new HttpProblem(404, "There is no replay " + id + " among the newest; the audit knows all");
    }
}
