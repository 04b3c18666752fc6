package dev.posthaste.server.http;

import dev.posthaste.StoreException;
import dev.posthaste.admin.UnexpectedCountException;
import dev.posthaste.admin.UnknownOutboxException;
import dev.posthaste.server.ServerContext;
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
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** The console's pages, {@code /api/v1} behind them, health and metrics. Thread-safe. */
public final class HttpServer implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(HttpServer.class);
    private static final long MAX_REQUEST_BYTES = 64 << 10;
    static final JsonMapper JSON = JsonMapper.builder().build();

    private final Javalin server;
    private final ConsoleConfig config;
    private final Security security;

    private HttpServer(ServerContext server) {
        this.config = server.deployment().config().console();
        this.security = new Security(config);
        this.server = Javalin.create(javalin -> configure(javalin, server));
    }

    /** @throws IllegalStateException if the port is taken */
    public static HttpServer start(ServerContext server) {
        HttpServer http = new HttpServer(server);
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

    private void configure(JavalinConfig javalin, ServerContext server) {
        javalin.startup.showJavalinBanner = false;
        javalin.startup.startupWatcherEnabled = false;
        javalin.jetty.host = config.address();
        javalin.jetty.port = config.port();
        javalin.http.maxRequestSize = MAX_REQUEST_BYTES;
        javalin.http.prefer405over404 = true;
        javalin.jsonMapper(new JavalinJackson3(JSON, false));
        javalin.staticFiles.add(files -> {
            files.directory = "/dev/posthaste/server/console";
            files.location = Location.CLASSPATH;
            files.hostedPath = "/";
            files.headers = Map.of("Cache-Control", "no-cache");
        });
        javalin.routes.before(security::protect);
        routes(javalin, server);
        javalin.routes.exception(
                HttpProblemException.class, (e, context) -> answer(context, e.status(), e.getMessage()));
        javalin.routes.exception(UnknownOutboxException.class, (e, context) -> answer(context, 404, e.getMessage()));
        javalin.routes.exception(UnexpectedCountException.class, (e, context) -> answer(context, 409, e.getMessage()));
        javalin.routes.exception(IllegalArgumentException.class, (e, context) -> answer(context, 400, e.getMessage()));
        javalin.routes.exception(IllegalStateException.class, (e, context) -> answer(context, 409, e.getMessage()));
        javalin.routes.exception(
                JacksonException.class,
                (e, context) -> answer(context, 400, "The request's JSON cannot be read: " + e.getOriginalMessage()));
        javalin.routes.exception(StoreException.class, (e, context) -> {
            log.warn("{} {} failed: {}", context.method(), context.path(), e.getMessage());
            answer(context, 503, String.valueOf(e.getMessage()));
        });
        javalin.routes.exception(
                HttpResponseException.class, (e, context) -> answer(context, e.getStatus(), e.getMessage()));
        javalin.routes.exception(Exception.class, (e, context) -> {
            log.error("{} {} failed", context.method(), context.path(), e);
            answer(context, 500, "Something went wrong; see the daemon's log");
        });
        javalin.routes.error(404, context -> {
            if (context.path().startsWith("/api/")
                    && String.valueOf(context.result()).isEmpty()) {
                answer(context, 404, "There is nothing at " + context.path() + "; /api/v1/openapi.json lists all");
            }
        });
    }

    private void routes(JavalinConfig javalin, ServerContext server) {
        Redactor redactor = new Redactor(config.mask(), JSON);
        Health health = new Health(server);
        SessionRoutes sessions =
                new SessionRoutes(security, config, server.deployment().config().name());
        OutboxRoutes outboxes = new OutboxRoutes(server);
        EventRoutes events = new EventRoutes(server, redactor);
        DeadEventRoutes deadEvents = new DeadEventRoutes(server);
        ReplayRoutes replays = new ReplayRoutes(server);
        AuditRoutes audit = new AuditRoutes(server, redactor);
        String api = "/api/v1";
        String outbox = api + "/outboxes/{outbox}";
        javalin.routes.get("/health/live", health::live);
        javalin.routes.get("/health/ready", health::ready);
        javalin.routes.get("/metrics", config.openMetrics() ? health::metrics : allowed(Role.VIEWER, health::metrics));
        javalin.routes.get(api + "/openapi.json", HttpServer::openApi);
        javalin.routes.get(api + "/session", sessions::session);
        javalin.routes.post(api + "/login", sessions::login);
        javalin.routes.post(api + "/logout", sessions::logout);
        javalin.routes.get(api + "/outboxes", allowed(Role.VIEWER, outboxes::all));
        javalin.routes.get(outbox, allowed(Role.VIEWER, outboxes::one));
        javalin.routes.get(outbox + "/history", allowed(Role.VIEWER, outboxes::history));
        javalin.routes.post(outbox + "/pause", allowed(Role.OPERATOR, outboxes::pause));
        javalin.routes.post(outbox + "/resume", allowed(Role.OPERATOR, outboxes::resume));
        javalin.routes.post(outbox + "/purge", allowed(Role.OPERATOR, outboxes::purge));
        javalin.routes.get(outbox + "/events", allowed(Role.VIEWER, events::page));
        javalin.routes.get(outbox + "/events/{id}", allowed(Role.VIEWER, events::one));
        javalin.routes.get(outbox + "/events/{id}/payload", allowed(Role.READER, events::payload));
        javalin.routes.get(outbox + "/errors", allowed(Role.VIEWER, deadEvents::errors));
        javalin.routes.post(outbox + "/requeue", allowed(Role.OPERATOR, deadEvents::requeue));
        javalin.routes.post(outbox + "/discard", allowed(Role.OPERATOR, deadEvents::discard));
        javalin.routes.post(outbox + "/replays", allowed(Role.OPERATOR, replays::start));
        javalin.routes.get(api + "/replays", allowed(Role.VIEWER, replays::all));
        javalin.routes.get(api + "/replays/{id}", allowed(Role.VIEWER, replays::one));
        javalin.routes.post(api + "/replays/{id}/cancel", allowed(Role.OPERATOR, replays::cancel));
        javalin.routes.post(api + "/replays/{id}/continue", allowed(Role.OPERATOR, replays::resume));
        javalin.routes.get(api + "/audit", allowed(Role.VIEWER, audit::page));
    }

    /** The document that describes the interface. */
    private static void openApi(Context context) throws IOException {
        try (InputStream in = HttpServer.class.getResourceAsStream("/dev/posthaste/server/openapi.json")) {
            context.contentType("application/json")
                    .result(Objects.requireNonNull(in).readAllBytes());
        }
    }

    private Handler allowed(Role role, Handler handler) {
        return context -> {
            security.require(role, context);
            context.header("Cache-Control", "no-store");
            handler.handle(context);
        };
    }

    private static void answer(Context context, int status, @Nullable String error) {
        context.status(status);
        context.header("Cache-Control", "no-store");
        context.json(Map.of("error", error == null ? "" : error));
    }

    @Override
    public void close() {
        server.stop();
    }
}
