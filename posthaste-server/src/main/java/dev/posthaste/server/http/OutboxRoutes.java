package dev.posthaste.server.http;

import dev.posthaste.Status;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.server.ServerContext;
import io.javalin.http.Context;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Outboxes as a whole: their state, and pause, resume and purge. */
final class OutboxRoutes {
    private final ServerContext server;
    private final Changes changes;

    OutboxRoutes(ServerContext server) {
        this.server = server;
        this.changes = new Changes(server);
    }

    void all(Context context) {
        context.json(new Views.OutboxesView(server.monitor().outboxes().stream()
                .map(name -> Views.OutboxView.of(name, server.monitor()))
                .toList()));
    }

    void one(Context context) {
        context.json(
                Views.OutboxView.of(Params.outbox(context, server).definition().name(), server.monitor()));
    }

    void history(Context context) {
        String outbox = Params.outbox(context, server).definition().name();
        int minutes = Params.number(context, "minutes", 15, 1, 60);
        Instant from = Instant.now().minus(Duration.ofMinutes(minutes));
        context.json(new Views.HistoryView(server.monitor().samples(outbox, from)));
    }

    void pause(Context context) {
        StoreOutboxAdmin outbox = Params.outbox(context, server);
        Change change = ChangeRequest.of(context).change(context);
        changes.made(context, "pause", outbox, change, outbox.pause(change), true);
    }

    void resume(Context context) {
        StoreOutboxAdmin outbox = Params.outbox(context, server);
        Change change = ChangeRequest.of(context).change(context);
        changes.made(context, "resume", outbox, change, outbox.resume(change), true);
    }

    void purge(Context context) {
        StoreOutboxAdmin outbox = Params.outbox(context, server);
        ChangeRequest request = ChangeRequest.of(context);
        Change change = request.change(context);
        if (request.keep() == null || request.statuses() == null) {
            throw new HttpProblemException(
                    400, "'keep' (such as P7D) and 'statuses' say what is old enough to be deleted");
        }
        Duration keep = Params.keep(request.keep());
        Set<Status> statuses =
                request.statuses().stream().map(Params::status).collect(Collectors.toCollection(TreeSet::new));
        Changes.Deadline deadline = new Changes.Deadline();
        ChangeResult result = outbox.purge(keep, statuses, change, deadline);
        changes.made(context, "purge", outbox, change, result, !deadline.passed());
    }
}
