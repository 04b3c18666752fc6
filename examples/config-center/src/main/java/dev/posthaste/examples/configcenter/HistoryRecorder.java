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
 * Writes the history from its events: one record of each version of a configuration.
 *
 * <p>Before it writes, it looks up whether the version has a record already. If another event wrote that record, this
 * event is rejected, and the reason names the other one. If this event wrote it, the inbox has lost its note of the event
 * (its retention deleted it, or the table was restored from a backup), and there is nothing left to do. It looks before the
 * insert because PostgreSQL runs no statement after one that failed, and the error of a database says which constraint
 * refused a row, but not what the table holds.
 *
 * <p>An event whose values the table refuses would be refused again: it is rejected with the database's reason. Every
 * other failure is tried again, however long it takes: a history table that is locked, missing or full, and a row that a
 * unique key or foreign key refuses. That may be an id that the database handed out twice, an index that somebody added, or
 * a row that is not there yet; none of it is the event's fault, and giving the event up would lose a change.
 */
final class HistoryRecorder implements Handler<ConfigHistoryEvent> {
    /** A history that is away comes back. */
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
                        + " is in the history already, from event " + recordedFrom);
        try {
            history.insert(context.connection(), event, clock.instant().truncatedTo(ChronoUnit.MICROS));
        } catch (SQLException e) {
            if (Database.refusesValue(e)) {
                throw new RejectedEventException("the history cannot hold a value of it: " + e.getMessage(), e);
            }
            throw e;
        }
    }

    private static void require(ConfigHistoryEvent event, EventContext context) throws RejectedEventException {
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
    private static void requireThere(String name, @Nullable Object value) throws RejectedEventException {
        require(value != null, name + " is missing");
    }

    private static void require(boolean holds, String otherwise) throws RejectedEventException {
        if (!holds) {
            throw new RejectedEventException(otherwise);
        }
    }
}
