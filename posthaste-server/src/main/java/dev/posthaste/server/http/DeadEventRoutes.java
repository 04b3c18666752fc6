package dev.posthaste.server.http;

import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.Search;
import dev.posthaste.server.ServerContext;
import io.javalin.http.Context;
import java.util.Collection;
import java.util.List;
import java.util.function.LongPredicate;

/** Dead events: what their errors say, requeue and discard. */
final class DeadEventRoutes {
    private final ServerContext server;
    private final Changes changes;

    DeadEventRoutes(ServerContext server) {
        this.server = server;
        this.changes = new Changes(server);
    }

    private Admin admin() {
        return server.deployment().admin();
    }

    void errors(Context context) {
        context.json(new Views.ErrorsView(admin().errors(Params.outbox(context, admin()))));
    }

    void requeue(Context context) {
        change(context, "requeue", admin()::requeue, admin()::requeue);
    }

    void discard(Context context) {
        change(context, "discard", admin()::discard, admin()::discard);
    }

    private interface OfRows {
        Admin.Result change(String outbox, Collection<Long> ids, Change change);
    }

    private interface OfFound {
        Admin.Result change(String outbox, Search search, Change change, LongPredicate goOn);
    }

    private void change(Context context, String what, OfRows ofRows, OfFound ofFound) {
        String outbox = Params.outbox(context, admin());
        ChangeRequest request = ChangeRequest.of(context);
        Change change = request.change(context);
        List<Long> rows = request.rows();
        if (rows.isEmpty() && request.search() == null) {
            throw new HttpProblemException(400, "Say which: 'ids', or 'search' for all dead events that it finds");
        }
        Changes.Deadline deadline = new Changes.Deadline();
        Admin.Result result = rows.isEmpty()
                ? ofFound.change(outbox, request.found(), change, deadline)
                : ofRows.change(outbox, rows, change);
        changes.made(context, what, outbox, change, result, !deadline.passed());
    }
}
