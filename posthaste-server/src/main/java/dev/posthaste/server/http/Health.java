package dev.posthaste.server.http;

import dev.posthaste.server.Diagnosis;
import dev.posthaste.server.Diagnosis.Level;
import dev.posthaste.server.ServerContext;
import io.javalin.http.Context;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Whether this daemon is alive, and whether it can work. Reveals nothing else, and needs no login. */
final class Health {
    private final ServerContext server;

    Health(ServerContext server) {
        this.server = server;
    }

    void live(Context context) {
        context.json(Map.of("status", "up"));
    }

    /** 503 only when a database does not answer: with its broker down a daemon is as ready as any other. */
    void ready(Context context) {
        List<String> reasons = new ArrayList<>();
        Level worst = Level.UP;
        for (String outbox : server.monitor().outboxes()) {
            Diagnosis diagnosis = server.monitor().diagnosis(outbox);
            if (diagnosis.level().compareTo(Level.DEGRADED) >= 0) {
                diagnosis.words().forEach(words -> reasons.add(outbox + ": " + words));
            }
            if (diagnosis.level().compareTo(worst) > 0) {
                worst = diagnosis.level();
            }
        }
        context.status(worst == Level.DOWN ? 503 : 200);
        context.json(Map.of(
                "status",
                worst == Level.DOWN ? "down" : worst == Level.DEGRADED ? "degraded" : "up",
                "reasons",
                reasons));
    }

    void metrics(Context context) {
        context.contentType("text/plain; version=0.0.4; charset=utf-8")
                .result(server.metrics().scrape());
    }
}
