package dev.posthaste.examples.configcenter;

import dev.posthaste.RetryPolicy;
import dev.posthaste.inbox.EventContext;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.RejectedEventException;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/**
 * Writes the history from its events: one record per version of a configuration.
 *
 * <p>Before writing, it looks up whether the version already has a record. If another event wrote that record, this
 * event is rejected, and the reason names the other one. If this event wrote it, the inbox has lost its note of the
 * event (its retention deleted it, or the table was restored from a backup), and there is nothing left to do. It checks
 * before the insert because PostgreSQL runs no statement after a failed one, and because a database's error names the
 * constraint that refused a row, but not what the table contains.
 *
 * <p>An event with values that the table refuses would be refused again: it is rejected with the database's reason.
 * Every other failure is retried for as long as it takes: a history table that is locked, missing or full, and a row
 * that a unique key or foreign key refuses. The cause may be an id that the database assigned twice, an index that was
 * added, or a row that does not exist yet; none of it is the event's fault, and giving up on the event would lose a
 * change.
 */
final class HistoryRecorder implements Handler<ConfigHistoryEvent> {
    /** An unavailable history comes back. */
    static final RetryPolicy RETRY = RetryPolicy.exponential(Duration.ofMillis(100), Duration.ofSeconds(3))
            .forever();

    private final HistoryTable history;
    private final Clock clock;

    HistoryRecorder(HistoryTable history, Clock clock) {
        this.history = history;
        this.clock = clock;
    }

    @Override
    public void handle(ConfigHistoryEvent event, EventContext context) throws SQLException, RejectedEventException {
        require(event, context);
        String recordedFrom = history.eventOf(context.connection(), event.configId(), event.version());
        if (event.eventId().equals(recordedFrom)) {
            return;
        }
        require(
                recordedFrom == null,
                "version " + event.version() + " of configuration " + event.configId()
                        + " is already in the history, from event " + recordedFrom);
        try {
            history.insert(context.connection(), event, clock.instant().truncatedTo(ChronoUnit.MICROS));
        } catch (SQLException e) {
            if (Database.refusesValue(e)) {
                throw new RejectedEventException("the history cannot store one of its values: " + e.getMessage(), e);
            }
            throw e;
        }
    }

    private static void require(ConfigHistoryEvent event, EventContext context) throws RejectedEventException {
        require(ConfigHistoryEvent.TYPE.equals(event.eventType()), "event_type is " + event.eventType());
        require(
                event.schemaVersion() == ConfigHistoryEvent.SCHEMA_VERSION,
                "schema_version is " + event.schemaVersion() + "; this consumer supports "
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

    /** A member missing in the JSON is null here, whatever the record declares. */
    private static void requireThere(String name, @Nullable Object value) throws RejectedEventException {
        require(value != null, name + " is missing");
    }

    private static void require(boolean holds, String otherwise) throws RejectedEventException {
        if (!holds) {
            throw new RejectedEventException(otherwise);
        }
    }
}
