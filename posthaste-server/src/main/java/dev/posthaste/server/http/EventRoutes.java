package dev.posthaste.server.http;

import dev.posthaste.admin.FoundEvent;
import dev.posthaste.internal.admin.FoundPage;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.server.ServerContext;
import dev.posthaste.server.config.Config.Role;
import io.javalin.http.Context;
import java.util.Objects;

/** The events of an outbox, whatever their status: found page by page, and one with its contents. */
final class EventRoutes {
    private static final int PAGE = 50;

    private final ServerContext server;
    private final Redactor redactor;

    EventRoutes(ServerContext server, Redactor redactor) {
        this.server = server;
        this.redactor = redactor;
    }

    void page(Context context) {
        StoreOutboxAdmin outbox = Params.outbox(context, server);
        FoundPage page = outbox.search(
                Params.search(context::queryParam),
                Params.number(context, "before"),
                Params.number(context, "limit", PAGE, 1, StoreOutboxAdmin.MAX_PAGE));
        context.json(Views.PageView.of(outbox.definition().name(), page));
    }

    void one(Context context) {
        StoreOutboxAdmin outbox = Params.outbox(context, server);
        FoundEvent event = event(context, outbox);
        boolean mayRead = Security.Principal.of(context).may(Role.READER);
        byte[] payload = Objects.requireNonNull(event.payload());
        String text = mayRead ? redactor.text(payload) : null;
        String hidden = !mayRead ? "role" : text == null ? "binary" : null;
        context.json(new Views.DetailsView(
                Views.EventView.of(outbox.definition().name(), event),
                mayRead ? redactor.json(event.headers()) : null,
                text,
                payload.length,
                hidden,
                event.defect(),
                outbox.audit(event.position(), null, AuditRoutes.PAGE).stream()
                        .map(entry -> Views.AuditView.of(entry, mayRead, redactor))
                        .toList()));
    }

    private static FoundEvent event(Context context, StoreOutboxAdmin outbox) {
        long position = Params.position(context);
        return outbox.find(position)
                .orElseThrow(() -> new HttpProblemException(
                        404, "Outbox " + outbox.definition().name() + " has no position " + position));
    }

    /** As a file, whatever it contains: never as something that a browser would display. */
    void payload(Context context) {
        StoreOutboxAdmin outbox = Params.outbox(context, server);
        FoundEvent event = event(context, outbox);
        byte[] payload = Objects.requireNonNull(event.payload());
        String text = redactor.text(payload);
        context.contentType("text/plain; charset=utf-8");
        context.header(
                "Content-Disposition",
                "attachment; filename=\"" + outbox.definition().name().replaceAll("[^A-Za-z0-9._-]", "_") + "-"
                        + event.position() + ".txt\"");
        if (text == null) {
            context.contentType("application/octet-stream").result(payload);
        } else {
            context.result(text);
        }
    }
}
