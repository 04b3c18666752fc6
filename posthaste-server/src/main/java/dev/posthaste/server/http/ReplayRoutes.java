package dev.posthaste.server.http;

import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.server.Replays;
import dev.posthaste.server.ServerContext;
import dev.posthaste.server.http.Views.ReplayView;
import io.javalin.http.Context;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Replays: dry-run, started, watched, cancelled and continued. */
final class ReplayRoutes {
    private static final int PER_SECOND = 100;

    private final ServerContext server;
    private final Changes changes;

    ReplayRoutes(ServerContext server) {
        this.server = server;
        this.changes = new Changes(server);
    }

    void start(Context context) {
        StoreOutboxAdmin outbox = Params.outbox(context, server);
        ChangeRequest request = ChangeRequest.of(context);
        EventFilter events = request.events();
        ReplayPlan.requireSent(events);
        if (request.isDry()) {
            changes.dryRun(context, outbox, events, ReplayPlan.STATUSES);
            return;
        }
        Change change = request.change(context);
        ReplayPlan plan = new ReplayPlan(
                events,
                request.destination(),
                request.routingKey(),
                request.perSecond() == null ? PER_SECOND : request.perSecond());
        context.status(202)
                .json(ReplayView.of(server.replays().start(outbox.definition().name(), change, plan)));
    }

    /** Those of this process as they are now, and those that only the audit knows. */
    void all(Context context) {
        List<ReplayView> all = new ArrayList<>();
        Set<String> mine = new HashSet<>();
        for (Replays.Running each : server.replays().all()) {
            mine.add(each.change().id());
            all.add(ReplayView.of(each));
        }
        server.replays().noted().stream()
                .filter(each -> !mine.contains(each.change().id()))
                .map(ReplayView::of)
                .forEach(all::add);
        context.json(new Views.ReplaysView(all));
    }

    void one(Context context) {
        String id = context.pathParam("id");
        Optional<ReplayView> mine = server.replays().find(id).map(ReplayView::of);
        context.json(mine.or(() -> server.replays().noted().stream()
                        .filter(each -> each.change().id().equals(id))
                        .map(ReplayView::of)
                        .findFirst())
                .orElseThrow(() -> unknown(id)));
    }

    void cancel(Context context) {
        String id = context.pathParam("id");
        show(context, id, server.replays().cancel(id));
    }

    void resume(Context context) {
        String id = context.pathParam("id");
        show(context, id, server.replays().resume(id));
    }

    private static void show(Context context, String id, Replays.@Nullable Running running) {
        if (running == null) {
            throw unknown(id);
        }
        context.json(ReplayView.of(running));
    }

    private static HttpProblemException unknown(String id) {
        return new HttpProblemException(404, "There is no replay " + id + " among the newest; the audit knows all");
    }
}
