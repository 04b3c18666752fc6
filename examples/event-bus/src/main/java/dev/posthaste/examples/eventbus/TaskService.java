package dev.posthaste.examples.eventbus;

import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.inbox.EventContext;
import java.sql.Connection;
import java.sql.SQLException;

/** Advances tasks, and logs each step from its event. */
final class TaskService {
    static final String NAME = "task";
    static final String STEP = "task.step.done";

    private final JdbcOutbox outbox;

    TaskService(JdbcOutbox outbox) {
        this.outbox = outbox;
    }

    /** One step of a task. */
    record TaskStep(String task, int step) {}

    static void open(Connection connection, String task) throws SQLException {
        Tables.update(connection, "insert into task (id, steps) values (?, 0)", task);
    }

    void advance(Connection connection, String task) throws SQLException {
        Tables.update(connection, "update task set steps = steps + 1 where id = ?", task);
        int step = Tables.query(connection, "select steps from task where id = ?", row -> row.getInt(1), task)
                .get(0);
        outbox.write(connection, Event.of(STEP, task, new TaskStep(task, step)));
    }

    void log(TaskStep step, EventContext context) throws SQLException {
        Tables.update(
                context.connection(),
                "insert into task_log (task, step, event_id) values (?, ?, ?)",
                step.task(),
                step.step(),
                context.eventId());
    }
}
