package dev.posthaste.server.http;

import dev.posthaste.admin.Admin;
import dev.posthaste.journal.JournalException;
import dev.posthaste.server.Desk;
import dev.posthaste.server.config.Config.ConsoleConfig;
import dev.posthaste.server.config.Config.Role;
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.Handler;
import io.javalin.http.HttpResponseException;
import io.javalin.http.staticfiles.Location;
import io.javalin.json.JavalinJackson3;
import io.javalin.util.JavalinBindException;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** The console's pages, {@code /api/v1} behind them, health and metrics. Thread-safe. */
public final class HttpServer implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(HttpServer.class);
    private static final long MOST_REQUEST_BYTES = 64 << 10;
    static final JsonMapper JSON = JsonMapper.builder().build();

    private final Javalin server;
    private final ConsoleConfig config;
    private final Security security;

    private HttpServer(Desk desk) {
        this.config = desk.site().config().console();
        this.security = new Security(config);
        this.server = Javalin.create(javalin -> configure(javalin, desk));
    }

    /** @throws IllegalStateException if the port is taken */
    public static HttpServer start(Desk desk) {
        HttpServer http = new HttpServer(desk);
        try {
            http.server.start();
        } catch (JavalinBindException e) {
            throw new IllegalStateException(
                    "The console cannot listen on " + http.config.address() + ":" + http.config.port()
                            + ": another program does. Set 'console.port'",
                    e);
        }
        return http;
    }

    public String address() {
        return "http://" + (config.address().contains(":") ? "[" + config.address() + "]" : config.address()) + ":"
                + server.port() + "/";
    }

    private void configure(JavalinConfig javalin, Desk desk) {
        javalin.startup.showJavalinBanner = false;
        javalin.startup.startupWatcherEnabled = false;
        javalin.jetty.host = config.address();
        javalin.jetty.port = config.port();
        javalin.http.maxRequestSize = MOST_REQUEST_BYTES;
        javalin.http.prefer405over404 = true;
        javalin.jsonMapper(new JavalinJackson3(JSON, false));
        javalin.staticFiles.add(files -> {
            files.directory = "/dev/posthaste/server/console";
            files.location = Location.CLASSPATH;
            files.hostedPath = "/";
            files.headers = Map.of("Cache-Control", "no-cache");
        });
        javalin.routes.before(security::protect);
        routes(javalin, desk);
        javalin.routes.exception(HttpProblem.class, (e, context) -> answer(context, e.status(), e.getMessage()));
        javalin.routes.exception(
                Admin.UnknownOutboxException.class, (e, context) -> answer(context, 404, e.getMessage()));
        javalin.routes.exception(IllegalArgumentException.class, (e, context) -> answer(context, 400, e.getMessage()));
        javalin.routes.exception(IllegalStateException.class, (e, context) -> answer(context, 409, e.getMessage()));
        javalin.routes.exception(
                JacksonException.class,
                (e, context) -> answer(context, 400, "The request's JSON cannot be read: " + e.getOriginalMessage()));
        javalin.routes.exception(JournalException.class, (e, context) -> {
            log.warn("{} {} failed: {}", context.method(), context.path(), e.getMessage());
            answer(context, 503, String.valueOf(e.getMessage()));
        });
        javalin.routes.exception(
                HttpResponseException.class, (e, context) -> answer(context, e.getStatus(), e.getMessage()));
        javalin.routes.exception(Exception.class, (e, context) -> {
            log.error("{} {} failed", context.method(), context.path(), e);
            answer(context, 500, "Something went wrong; the daemon's log says what");
        });
        javalin.routes.error(404, context -> {
            if (context.path().startsWith("/api/")
                    && String.valueOf(context.result()).isEmpty()) {
                answer(context, 404, "There is nothing at " + context.path() + "; /api/v1/openapi.json lists all");
            }
        });
    }

    private void routes(JavalinConfig javalin, Desk desk) {
        Masks masks = new Masks(config.mask(), JSON);
        Looking looking = new Looking(desk, masks);
        Changing changing = new Changing(desk);
        Login login = new Login(security, config, desk.site().config().name());
        Health health = new Health(desk);
        String api = "/api/v1";
        String outbox = api + "/outboxes/{outbox}";
        javalin.routes.get("/health/live", health::live);
        javalin.routes.get("/health/ready", health::ready);
        javalin.routes.get("/metrics", config.openMetrics() ? health::metrics : allowed(Role.VIEWER, health::metrics));
        javalin.routes.get(api + "/openapi.json", login::document);
        javalin.routes.get(api + "/session", login::session);
        javalin.routes.post(api + "/login", login::login);
        javalin.routes.post(api + "/logout", login::logout);
        javalin.routes.get(api + "/outboxes", allowed(Role.VIEWER, looking::outboxes));
        javalin.routes.get(outbox, allowed(Role.VIEWER, looking::outbox));
        javalin.routes.get(outbox + "/history", allowed(Role.VIEWER, looking::history));
        javalin.routes.get(outbox + "/events", allowed(Role.VIEWER, looking::events));
        javalin.routes.get(outbox + "/events/{id}", allowed(Role.VIEWER, looking::event));
        javalin.routes.get(outbox + "/events/{id}/payload", allowed(Role.READER, looking::payload));
        javalin.routes.get(outbox + "/errors", allowed(Role.VIEWER, looking::errors));
        javalin.routes.get(api + "/audit", allowed(Role.VIEWER, looking::audit));
        javalin.routes.get(api + "/replays", allowed(Role.VIEWER, changing::replays));
        javalin.routes.get(api + "/replays/{id}", allowed(Role.VIEWER, changing::replay));
        javalin.routes.post(outbox + "/requeue", allowed(Role.OPERATOR, changing::requeue));
        javalin.routes.post(outbox + "/discard", allowed(Role.OPERATOR, changing::discard));
        javalin.routes.post(outbox + "/pause", allowed(Role.OPERATOR, changing::pause));
        javalin.routes.post(outbox + "/resume", allowed(Role.OPERATOR, changing::resume));
        javalin.routes.post(outbox + "/purge", allowed(Role.OPERATOR, changing::purge));
        javalin.routes.post(outbox + "/replays", allowed(Role.OPERATOR, changing::startReplay));
        javalin.routes.post(api + "/replays/{id}/cancel", allowed(Role.OPERATOR, changing::cancelReplay));
        javalin.routes.post(api + "/replays/{id}/continue", allowed(Role.OPERATOR, changing::continueReplay));
    }

    /**
     * What a request's body says.
     *
     * @throws HttpProblem if it is {@code null}
     * @throws JacksonException if it is not of this type
     */
    static <T> T body(Context context, Class<T> type) {
        T body = JSON.readValue(context.body(), type);
        if (body == null) {
            throw new HttpProblem(400, "The request's body is a JSON object, not null");
        }
        return body;
    }

    private Handler allowed(Role role, Handler handler) {
        return context -> {
            Security.Principal principal = security.principal(context);
            principal.require(role);
            context.attribute(Login.PRINCIPAL, principal);
            context.header("Cache-Control", "no-store");
            handler.handle(context);
        };
    }

    private static void answer(Context context, int status, @org.jspecify.annotations.Nullable String error) {
        context.status(status);
        context.header("Cache-Control", "no-store");
        context.json(Map.of("error", error == null ? "" : error));
    }

    @Override
    public void close() {
        server.stop();
    }
}
