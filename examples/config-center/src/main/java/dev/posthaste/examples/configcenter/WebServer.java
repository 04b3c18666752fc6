package dev.posthaste.examples.configcenter;

import io.javalin.Javalin;
import io.javalin.http.Context;
import io.javalin.http.sse.SseClient;
import io.javalin.http.staticfiles.Location;
import io.javalin.json.JavalinJackson3;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * The configuration centre over HTTP, on the loopback address: REST under {@code /api}, one page, and a stream of its
 * state. Every changing request must send JSON, which a page of another site cannot do without permission.
 */
final class WebServer implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(WebServer.class);
    private static final int LIST_LIMIT = 500;
    private static final int HISTORY_LIMIT = 50;
    private static final int BATCH_LIMIT = 1000;
    private static final long STATE_MILLIS = 300;

    private final Application application;
    private final Javalin server;
    private final Set<SseClient> watchers = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService feed = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread thread = new Thread(work, "config-live");
        thread.setDaemon(true);
        return thread;
    });

    /** A switch's desired position. */
    record Position(boolean on) {}

    /** What went wrong, for the client. */
    record Problem(String error) {}

    private WebServer(Application application, int port) {
        this.application = application;
        this.server = Javalin.create(config -> {
            config.startup.showJavalinBanner = false;
            config.startup.startupWatcherEnabled = false;
            config.jetty.host = "127.0.0.1";
            config.jetty.port = port;
            config.http.maxRequestSize = 10_000_000L;
            config.jsonMapper(new JavalinJackson3(Application.JSON, false));
            config.staticFiles.add("/web", Location.CLASSPATH);
            config.routes.before(WebServer::protect);
            config.routes.get(
                    "/api/configs",
                    context -> context.json(application.configs().list(LIST_LIMIT)));
            config.routes.post("/api/configs", context -> context.status(201).json(create(context)));
            config.routes.post("/api/configs/batch", context -> context.json(batch(context)));
            config.routes.put(
                    "/api/configs/{id}/draft",
                    context -> context.json(application.configs().editDraft(change(context))));
            config.routes.post(
                    "/api/configs/{id}/release",
                    context -> context.json(application.configs().release(change(context))));
            config.routes.put(
                    "/api/configs/{id}",
                    context -> context.json(application.configs().update(change(context))));
            config.routes.get(
                    "/api/configs/{id}/history",
                    context -> context.json(application.history().of(id(context))));
            config.routes.get(
                    "/api/history",
                    context -> context.json(application.history().latest(HISTORY_LIMIT)));
            config.routes.get("/api/state", context -> context.json(application.state()));
            config.routes.put("/api/switches/history", context -> {
                application.history().setAvailable(read(context, Position.class).on());
                context.json(application.state());
            });
            config.routes.put("/api/switches/broker", context -> {
                application.switchBroker(read(context, Position.class).on());
                context.json(application.state());
            });
            config.routes.sse("/api/live", this::watch);
            config.routes.exception(ConfigException.class, (e, context) -> answer(context, status(e), e.getMessage()));
            config.routes.exception(SQLException.class, (e, context) -> {
                log.warn("{} {} failed", context.method(), context.path(), e);
                answer(context, 503, "The database failed: " + e.getMessage());
            });
        });
        feed.scheduleWithFixedDelay(this::tell, STATE_MILLIS, STATE_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** @param port 0 for any free port */
    static WebServer start(Application application, int port) {
        WebServer web = new WebServer(application, port);
        web.server.start();
        return web;
    }

    String address() {
        return "http://127.0.0.1:" + server.port() + "/";
    }

    private static void protect(Context context) {
        context.header("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'");
        context.header("X-Content-Type-Options", "nosniff");
        context.header("Referrer-Policy", "no-referrer");
        boolean changes = !Set.of("GET", "HEAD").contains(context.method().name());
        String type = context.contentType();
        if (changes && (type == null || !type.startsWith("application/json"))) {
            throw new ConfigException(ConfigException.Reason.INVALID, "Send Content-Type: application/json");
        }
    }

    private Config create(Context context) throws SQLException {
        return application.configs().create(read(context, Config.Draft.class));
    }

    private List<ConfigCenter.Result> batch(Context context) throws InterruptedException {
        List<Config.Change> changes = List.of(read(context, Config.Change[].class));
        if (changes.size() > BATCH_LIMIT) {
            throw new ConfigException(
                    ConfigException.Reason.INVALID,
                    "A batch can have at most " + BATCH_LIMIT + " changes, not " + changes.size());
        }
        return application.configs().batch(changes);
    }

    private static Config.Change change(Context context) {
        Config.Change body = read(context, Config.Change.class);
        return new Config.Change(id(context), body.version(), body.user(), body.configValue());
    }

    private static long id(Context context) {
        try {
            return Long.parseLong(context.pathParam("id"));
        } catch (NumberFormatException e) {
            throw new ConfigException(ConfigException.Reason.INVALID, "An id must be a number");
        }
    }

    private static <T> T read(Context context, Class<T> type) {
        try {
            return Application.JSON.readValue(context.bodyAsBytes(), type);
        } catch (JacksonException e) {
            throw new ConfigException(
                    ConfigException.Reason.INVALID, "Invalid request body: " + e.getOriginalMessage());
        }
    }

    private static int status(ConfigException exception) {
        return switch (exception.reason()) {
            case INVALID -> 400;
            case NOT_FOUND -> 404;
            case CONFLICT -> 409;
        };
    }

    private static void answer(Context context, int status, @Nullable String error) {
        context.status(status).json(new Problem(String.valueOf(error)));
    }

    // --- The live state ----------------------------------------------------------------------------------------------

    private void watch(SseClient client) {
        client.keepAlive();
        client.onClose(() -> watchers.remove(client));
        watchers.add(client);
    }

    private void tell() {
        if (watchers.isEmpty()) {
            return;
        }
        try {
            String state = Application.JSON.writeValueAsString(application.state());
            watchers.forEach(watcher -> watcher.sendEvent("state", state));
        } catch (SQLException | RuntimeException e) {
            Map<String, String> problem = Map.of("error", String.valueOf(e.getMessage()));
            watchers.forEach(watcher -> watcher.sendEvent("problem", problem));
        }
    }

    @Override
    public void close() {
        feed.shutdownNow();
        watchers.forEach(SseClient::close);
        server.stop();
    }
}
