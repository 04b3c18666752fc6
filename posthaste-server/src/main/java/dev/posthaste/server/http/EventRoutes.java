package dev.posthaste.server.http;

import dev.posthaste.admin.Admin;
import dev.posthaste.admin.EventDetails;
import dev.posthaste.admin.Page;
import dev.posthaste.server.ServerContext;
import dev.posthaste.server.config.Config.Role;
import io.javalin.http.Context;

/** The events of an outbox, whatever their status: found page by page, and one with its contents. */
final class EventRoutes {
    private static final int PAGE = 50;

    private final ServerContext server;
    private final Redactor redactor;

    EventRoutes(ServerContext server, Redactor redactor) {
        this.server = server;
        this.redactor = redactor;
    }

    private Admin admin() {
        return server.deployment().admin();
    }

    void page(Context context) {
        String outbox = Params.outbox(context, admin());
        Page page = admin().search(
                        outbox,
                        Params.search(context::queryParam),
                        Params.number(context, "before"),
                        Params.number(context, "limit", PAGE, 1, Admin.LONGEST_PAGE));
        context.json(Views.PageView.of(outbox, page));
    }

    void one(Context context) {
        String outbox = Params.outbox(context, admin());
        EventDetails details = details(context, outbox);
        boolean mayRead = Security.Principal.of(context).may(Role.READER);
        byte[] payload = details.stored().payload();
        String text = mayRead ? redactor.text(payload) : null;
        String hidden = !mayRead ? "role" : text == null ? "binary" : null;
        context.json(new Views.DetailsView(
                Views.EventView.of(outbox, details.event()),
                mayRead ? redactor.json(details.stored().headers()) : null,
                text,
                payload.length,
                hidden,
                details.stored().defect(),
                admin().audit(outbox, details.event().id(), null, AuditRoutes.PAGE).stream()
                        .map(entry -> Views.AuditView.of(entry, mayRead, redactor))
                        .toList()));
    }

    private EventDetails details(Context context, String outbox) {
        long row = Params.row(context);
        return admin().find(outbox, row)
                .orElseThrow(() -> new HttpProblemException(404, "Outbox " + outbox + " has no row " + row));
    }

    /** As a file, whatever is in it: never as something that a browser would show. */
    void payload(Context context) {
        String outbox = Params.outbox(context, admin());
        EventDetails details = details(context, outbox);
        byte[] payload = details.stored().payload();
        String text = redactor.text(payload);
        context.contentType("text/plain; charset=utf-8");
        context.header(
                "Content-Disposition",
                "attachment; filename=\"" + outbox.replaceAll("[^A-Za-z0-9._-]", "_") + "-"
                        + details.event().id() + ".txt\"");
        if (text == null) {
            context.contentType("application/octet-stream").result(payload);
        } else {
            context.result(text);
        }
    }
}
