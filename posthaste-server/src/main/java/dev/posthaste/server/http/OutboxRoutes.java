package dev.posthaste.server.http;

import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.server.ServerContext;
import io.javalin.http.Context;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Outboxes as a whole: how they are, and pause, resume and purge. */
final class OutboxRoutes {
    private final ServerContext server;
    private final Changes changes;

    OutboxRoutes(ServerContext server) {
        this.server = server;
        this.changes = new Changes(server);
    }

    private Admin admin() {
        return server.deployment().admin();
    }

    void all(Context context) {
        context.json(new Views.OutboxesView(server.monitor().outboxes().stream()
                .map(name -> Views.OutboxView.of(name, server.monitor()))
                .toList()));
    }

    void one(Context context) {
        context.json(Views.OutboxView.of(Params.outbox(context, admin()), server.monitor()));
    }

    void history(Context context) {
        String outbox = Params.outbox(context, admin());
        int minutes = Params.number(context, "minutes", 15, 1, 60);
        Instant from = Instant.now().minus(Duration.ofMinutes(minutes));
        context.json(new Views.HistoryView(server.monitor().samples(outbox, from)));
    }

    void pause(Context context) {
        String outbox = Params.outbox(context, admin());
        Change change = ChangeRequest.of(context).change(context);
        changes.made(context, "pause", outbox, change, admin().pause(outbox, change), true);
    }

    void resume(Context context) {
        String outbox = Params.outbox(context, admin());
        Change change = ChangeRequest.of(context).change(context);
        changes.made(context, "resume", outbox, change, admin().resume(outbox, change), true);
    }

    void purge(Context context) {
        String outbox = Params.outbox(context, admin());
        ChangeRequest request = ChangeRequest.of(context);
        Change change = request.change(context);
        if (request.keep() == null || request.statuses() == null) {
            throw new HttpProblemException(400, "'keep' (as P7D) and 'statuses' say what is old enough to be deleted");
        }
        Duration keep = Params.keep(request.keep());
        Set<Status> statuses =
                request.statuses().stream().map(Params::status).collect(Collectors.toCollection(TreeSet::new));
        Changes.Deadline deadline = new Changes.Deadline();
        Admin.Result result = admin().purge(outbox, keep, statuses, change, deadline);
        changes.made(context, "purge", outbox, change, result, !deadline.passed());
    }
}
