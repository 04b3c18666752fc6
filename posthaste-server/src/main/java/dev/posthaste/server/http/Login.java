package dev.posthaste.server.http;

import dev.posthaste.server.config.Config.ConsoleConfig;
import dev.posthaste.server.config.Config.Role;
import dev.posthaste.server.http.Security.Principal;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Sessions, and the document that describes the interface. */
final class Login {
    static final String PRINCIPAL = "principal";

    private final Security security;
    private final ConsoleConfig config;
    private final String daemon;

    Login(Security security, ConsoleConfig config, String daemon) {
        this.security = security;
        this.config = config;
        this.daemon = daemon;
    }

    /** @param name null when nobody is logged in */
    record SessionView(
            String daemon,
            boolean needsLogin,
            @Nullable String name,
            @Nullable String role,
            @Nullable String csrf) {}

    record Credentials(@Nullable String name, @Nullable String password) {}

    /** Who is asking in this request. */
    static Principal principal(Context context) {
        return Objects.requireNonNull(context.attribute(PRINCIPAL));
    }

    /** Says who is asking, or that nobody is; so it needs no login. */
    void session(Context context) {
        context.header("Cache-Control", "no-store");
        try {
            context.json(view(security.principal(context)));
        } catch (HttpProblem e) {
            context.json(new SessionView(daemon, config.needsLogin(), null, null, null));
        }
    }

    void login(Context context) {
        context.header("Cache-Control", "no-store");
        Credentials given = HttpServer.body(context, Credentials.class);
        context.json(view(security.login(
                context,
                Objects.requireNonNullElse(given.name(), ""),
                Objects.requireNonNullElse(given.password(), ""))));
    }

    void logout(Context context) {
        security.principal(context);
        security.logout(context);
        context.json(new SessionView(daemon, config.needsLogin(), null, null, null));
    }

    private SessionView view(Principal principal) {
        return new SessionView(daemon, config.needsLogin(), principal.name(), word(principal.role()), principal.csrf());
    }

    private static String word(Role role) {
        return role.name().toLowerCase(Locale.ROOT);
    }

    void document(Context context) throws IOException {
        try (InputStream in = Login.class.getResourceAsStream("/dev/posthaste/server/openapi.json")) {
            context.contentType("application/json")
                    .result(Objects.requireNonNull(in).readAllBytes());
        }
    }
}
