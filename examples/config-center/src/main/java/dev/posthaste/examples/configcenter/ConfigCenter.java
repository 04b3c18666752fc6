package dev.posthaste.examples.configcenter;

import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.examples.configcenter.ConfigException.Reason;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Changes configurations. Each change is one transaction: lock the row, read the previous state, change it, write the
 * event, commit. The event is written after the row is locked, so a configuration's history arrives in the order of its
 * versions; and it is written to the outbox in the same database, so no failure of the history can make a change fail.
 * Thread-safe.
 */
final class ConfigCenter implements AutoCloseable {
    private static final int BATCH_CONCURRENCY = 30;

    private final Database database;
    private final ConfigTable configs;
    private final JdbcOutbox outbox;
    private final Runnable afterCommit;
    private final Clock clock;
    private final ExecutorService batchThreads = Executors.newFixedThreadPool(BATCH_CONCURRENCY, work -> {
        Thread thread = new Thread(work, "config-batch");
        thread.setDaemon(true);
        return thread;
    });

    /** @param afterCommit runs after each change, so that its event does not wait for a poll */
    ConfigCenter(Database database, JdbcOutbox outbox, Runnable afterCommit, Clock clock) {
        this.database = database;
        this.configs = new ConfigTable(database);
        this.outbox = outbox;
        this.afterCommit = afterCommit;
        this.clock = clock;
    }

    /** The result of one change of a batch: the new state, or why there is none. */
    record Result(
            long id, @Nullable Config config, @Nullable String error) {}

    List<Config> list(int limit) throws SQLException {
        return configs.all(limit);
    }

    List<Config> ofModule(String moduleName) throws SQLException {
        return configs.ofModule(moduleName);
    }

    /** A new configuration with version 0: nothing is released yet, its value is a draft. */
    Config create(Config.Draft draft) throws SQLException {
        requireText("module_name", draft.moduleName());
        requireText("lang", draft.lang());
        requireText("config_key", draft.configKey());
        requireText("user", draft.user());
        try {
            return database.inTransaction(connection -> {
                configs.insert(connection, draft, now());
                return configs.byName(connection, draft);
            });
        } catch (SQLException e) {
            if (configs.exists(draft)) {
                throw new ConfigException(
                        Reason.CONFLICT,
                        "Configuration " + draft.moduleName() + "/" + draft.lang() + "/" + draft.configKey()
                                + " already exists");
            }
            throw e;
        }
    }

    /** Replaces the draft. Nothing is released, so nothing goes to the history. */
    Config editDraft(Config.Change change) throws SQLException {
        return database.inTransaction(connection -> {
            Config before = lock(connection, change);
            Config after = before.withDraft(value(change), change.user(), now());
            configs.update(connection, after);
            return after;
        });
    }

    /** Makes the draft the value. The previous state goes to the history, unless this is the first release. */
    Config release(Config.Change change) throws SQLException {
        return committed(database.inTransaction(connection -> release(connection, change)));
    }

    private Config release(Connection connection, Config.Change change) throws SQLException {
        Config before = lock(connection, change);
        String draft = before.draftValue();
        if (draft == null) {
            throw new ConfigException(Reason.CONFLICT, "Configuration " + change.id() + " has no draft to release");
        }
        Config after = before.released(draft, null, before.editUser(), change.user(), now());
        return change(connection, before, after);
    }

    /** Changes a released configuration directly. The previous state goes to the history. */
    Config update(Config.Change change) throws SQLException {
        return committed(database.inTransaction(connection -> update(connection, change)));
    }

    Config update(Connection connection, Config.Change change) throws SQLException {
        Config before = lock(connection, change);
        if (before.version() == 0) {
            throw new ConfigException(
                    Reason.CONFLICT, "Configuration " + change.id() + " was never released; release it first");
        }
        Config after = before.released(value(change), before.draftValue(), change.user(), change.user(), now());
        return change(connection, before, after);
    }

    /** Makes many updates, at most {@value #BATCH_CONCURRENCY} at once, each in its own transaction. */
    List<Result> batch(List<Config.Change> changes) throws InterruptedException {
        List<Future<Config>> running = new ArrayList<>();
        for (Config.Change change : changes) {
            running.add(batchThreads.submit(() -> update(change)));
        }
        List<Result> results = new ArrayList<>();
        for (int i = 0; i < changes.size(); i++) {
            long id = changes.get(i).id();
            try {
                results.add(new Result(id, running.get(i).get(), null));
            } catch (ExecutionException e) {
                Throwable cause = Objects.requireNonNull(e.getCause());
                results.add(new Result(
                        id,
                        null,
                        cause instanceof ConfigException ? cause.getMessage() : "The database failed: " + cause));
            }
        }
        return results;
    }

    private Config lock(Connection connection, Config.Change change) throws SQLException {
        requireText("user", change.user());
        Config config = configs.lock(connection, change.id());
        if (config.version() != change.version()) {
            throw new ConfigException(
                    Reason.CONFLICT,
                    "Configuration " + change.id() + " is now at version " + config.version() + ", but you saw version "
                            + change.version() + "; reload it and repeat your change");
        }
        return config;
    }

    private Config change(Connection connection, Config before, Config after) throws SQLException {
        configs.update(connection, after);
        if (before.version() > 0) {
            String eventId = Event.newId();
            outbox.write(
                    connection,
                    Event.of(
                                    ConfigHistoryEvent.TYPE,
                                    Long.toString(before.id()),
                                    ConfigHistoryEvent.of(eventId, traceId(), after.updatedAt(), before))
                            .id(eventId));
        }
        return after;
    }

    private Config committed(Config config) {
        afterCommit.run();
        return config;
    }

    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }

    private static @Nullable String traceId() {
        SpanContext span = Span.current().getSpanContext();
        return span.isValid() ? span.getTraceId() : null;
    }

    private static String value(Config.Change change) {
        if (change.configValue() == null) {
            throw new ConfigException(Reason.INVALID, "config_value is missing");
        }
        return change.configValue();
    }

    private static void requireText(String name, @Nullable String value) {
        if (value == null || value.isBlank()) {
            throw new ConfigException(Reason.INVALID, name + " is missing");
        }
    }

    @Override
    public void close() {
        batchThreads.shutdownNow();
    }
}
