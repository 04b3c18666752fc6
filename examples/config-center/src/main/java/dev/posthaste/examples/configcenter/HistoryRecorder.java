package dev.posthaste.examples.configcenter;

import dev.posthaste.RetryPolicy;
import dev.posthaste.inbox.Context;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.RejectEvent;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/**
 * Writes the history from its events. An event that can never become history is rejected with the reason; a history
 * table that is locked, missing or full is waited for, however long that takes.
 */
final class HistoryRecorder implements Handler<ConfigHistoryEvent> {
    /** A history that is away comes back. */
    static final RetryPolicy RETRY = RetryPolicy.forever(Duration.ofMillis(100), Duration.ofSeconds(3));

    private final HistoryTable history;
    private final Clock clock;

    HistoryRecorder(HistoryTable history, Clock clock) {
        this.history = history;
        this.clock = clock;
    }

    @Override
    public void handle(ConfigHistoryEvent event, Context context) throws SQLException, RejectEvent {
        require(event, context);
        try {
            history.insert(context.connection(), event, clock.instant().truncatedTo(ChronoUnit.MICROS));
        } catch (SQLException e) {
            String state = String.valueOf(e.getSQLState());
            if (state.startsWith("23")) {
                throw new RejectEvent("version " + event.version() + " of configuration " + event.configId()
                        + " is in the history already, from another event");
            }
            if (state.startsWith("22")) {
                throw new RejectEvent("a value does not fit its column: " + e.getMessage());
            }
            throw e;
        }
    }

    private static void require(ConfigHistoryEvent event, Context context) throws RejectEvent {
        require(ConfigHistoryEvent.TYPE.equals(event.eventType()), "event_type is " + event.eventType());
        require(
                event.schemaVersion() == ConfigHistoryEvent.SCHEMA_VERSION,
                "schema_version is " + event.schemaVersion() + "; this consumer knows "
                        + ConfigHistoryEvent.SCHEMA_VERSION);
        require(context.eventId().equals(event.eventId()), "event_id is not the message's, but " + event.eventId());
        require(event.configId() > 0, "config_id is " + event.configId());
        require(event.version() > 0, "version is " + event.version() + "; the history begins with 1");
        requireThere("module_name", event.moduleName());
        requireThere("lang", event.lang());
        requireThere("config_key", event.configKey());
        requireThere("desc", event.desc());
        requireThere("config_value", event.configValue());
        requireThere("config_schema", event.configSchema());
        requireThere("edit_user", event.editUser());
        requireThere("related_users", event.relatedUsers());
        requireThere("created_at", event.createdAt());
    }

    /** What JSON leaves out is null here, whatever the record says. */
    private static void requireThere(String name, @Nullable Object value) throws RejectEvent {
        require(value != null, name + " is missing");
    }

    private static void require(boolean holds, String otherwise) throws RejectEvent {
        if (!holds) {
            throw new RejectEvent(otherwise);
        }
    }
}
