package dev.posthaste.server.http;

import dev.posthaste.admin.AuditEntry;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.server.ServerContext;
import dev.posthaste.server.config.Config.Role;
import io.javalin.http.Context;
import java.util.List;

/** What operators did. */
final class AuditRoutes {
    static final int PAGE = 100;

    private final ServerContext server;
    private final Redactor redactor;

    AuditRoutes(ServerContext server, Redactor redactor) {
        this.server = server;
        this.redactor = redactor;
    }

    void page(Context context) {
        String outbox = Params.text(context::queryParam, "outbox");
        Long before = Params.number(context, "before");
        Long position = Params.number(context, context.queryParam("position") == null ? "row" : "position");
        int limit = Params.number(context, "limit", PAGE, 1, StoreOutboxAdmin.MAX_PAGE);
        boolean mayRead = Security.Principal.of(context).may(Role.READER);
        List<AuditEntry> entries = outbox == null
                ? server.deployment().admin().audit(position, before, limit)
                : server.deployment().admin().outbox(outbox).audit(position, before, limit);
        Long next = outbox != null && entries.size() == limit
                ? Long.valueOf(entries.get(limit - 1).id())
                : null;
        context.json(new Views.AuditPageView(
                entries.stream()
                        .map(entry -> Views.AuditView.of(entry, mayRead, redactor))
                        .toList(),
                next));
    }
}
