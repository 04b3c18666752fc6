package dev.posthaste.server.http;

import dev.posthaste.Status;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.server.ServerContext;
import io.javalin.http.Context;
import java.util.Set;
import java.util.function.LongPredicate;

/** Dead events: what their errors say, requeue and discard. */
final class DeadEventRoutes {
    private final ServerContext server;
    private final Changes changes;

    DeadEventRoutes(ServerContext server) {
        this.server = server;
        this.changes = new Changes(server);
    }

    void errors(Context context) {
        context.json(new Views.ErrorsView(Params.outbox(context, server).errors()));
    }

    void requeue(Context context) {
        change(context, "requeue", StoreOutboxAdmin::requeue);
    }

    void discard(Context context) {
        change(context, "discard", StoreOutboxAdmin::discard);
    }

    private interface Kind {
        ChangeResult change(StoreOutboxAdmin outbox, EventFilter filter, Change change, LongPredicate goOn);
    }

    private void change(Context context, String what, Kind kind) {
        StoreOutboxAdmin outbox = Params.outbox(context, server);
        ChangeRequest request = ChangeRequest.of(context);
        if (request.isDry()) {
            changes.dryRun(context, outbox, request.dead(), Set.of(Status.DEAD));
            return;
        }
        Change change = request.change(context);
        EventFilter dead = request.dead();
        if (!request.namesPositions() && change.expecting() == null) {
            throw new HttpProblemException(
                    400,
                    "'expecting' is missing: how many events 'search' finds, which the same request with 'dryRun' returns");
        }
        Changes.Deadline deadline = new Changes.Deadline();
        ChangeResult result = kind.change(outbox, dead, change, deadline);
        changes.made(context, what, outbox, change, result, !deadline.passed());
    }
}
