package dev.posthaste.server.http;

import dev.posthaste.server.config.Config.ConsoleConfig;
import dev.posthaste.server.http.Views.SessionView;
import io.javalin.http.Context;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Who is logged in, login and logout. */
final class SessionRoutes {
    private final Security security;
    private final ConsoleConfig config;
    private final String daemon;

    SessionRoutes(Security security, ConsoleConfig config, String daemon) {
        this.security = security;
        this.config = config;
        this.daemon = daemon;
    }

    record Credentials(@Nullable String name, @Nullable String password) {}

    /** Returns the user, or that no one is logged in; so it needs no login. */
    void session(Context context) {
        context.header("Cache-Control", "no-store");
        try {
            context.json(SessionView.of(daemon, config, security.principal(context)));
        } catch (HttpProblemException e) {
            context.json(SessionView.ofNobody(daemon, config));
        }
    }

    void login(Context context) {
        context.header("Cache-Control", "no-store");
        Credentials given = Params.body(context, Credentials.class);
        context.json(SessionView.of(
                daemon,
                config,
                security.login(
                        context,
                        Objects.requireNonNullElse(given.name(), ""),
                        Objects.requireNonNullElse(given.password(), ""))));
    }

    void logout(Context context) {
        security.principal(context);
        security.logout(context);
        context.json(SessionView.ofNobody(daemon, config));
    }
}
