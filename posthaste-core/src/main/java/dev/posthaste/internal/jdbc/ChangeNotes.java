package dev.posthaste.internal.jdbc;

import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.internal.admin.AuditRow;
import dev.posthaste.internal.admin.ChangeProgress;
import dev.posthaste.internal.admin.NotedReplay;
import dev.posthaste.internal.admin.OperatorStore.Taken;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the audit notes about an outbox's changes, so that each is made once, and one of many transactions continues
 * where it stopped. Writes on the connection it is given. Thread-safe.
 */
final class ChangeNotes {
    private final AuditTable audit;
    private final String name;

    ChangeNotes(AuditTable audit, String outbox) {
        this.audit = audit;
        this.name = outbox;
    }

    // --- Changes that take many transactions -------------------------------------------------------------------------

    Taken take(Connection connection, Change change, Action action, ChangeProgress fresh, @Nullable String runner)
            throws SQLException {
        String detail = audit.lock(connection, name, change.id());
        Optional<AuditTable.Known> before = known(connection, change, action);
        long now = audit.now(connection);
        ChangeNote note = new ChangeNote(fresh, runner, now);
        if (detail == null) {
            if (before.isPresent() && before.get().own() != null) {
                throw AuditTable.madeElsewhere(null); // it began between the two statements
            }
            if (before.isPresent()) {
                throw usedFor(change, "of given events");
            }
            audit.add(connection, change, action, name, 0, note.detail());
            return new Taken(fresh, true, note.sign());
        }
        ChangeNote known = ChangeNote.of(detail);
        if (known == null || !known.progress().what().equals(fresh.what())) {
            throw usedFor(change, ChangeNote.words(detail));
        }
        ChangeProgress old = known.progress();
        if (old.state().isOver() || (runner != null && known.isLive(now) && !runner.equals(known.runner()))) {
            return new Taken(old, false, known.sign());
        }
        ChangeProgress mine = new ChangeProgress(
                fresh.state(), old.what(), old.events(), old.failed(), old.through(), old.after(), fresh.plan());
        ChangeNote again = new ChangeNote(mine, runner, now);
        audit.update(connection, change, name, mine.events(), again.detail());
        return new Taken(mine, true, again.sign());
    }

    /** @return false if another process runs the change now, or it is over */
    boolean update(Connection connection, Change change, ChangeProgress progress, String runner) throws SQLException {
        ChangeNote known = lock(connection, change);
        if (known.progress().state().isOver() || !runner.equals(known.runner())) {
            // What was noted, but not answered, is noted.
            return runner.equals(known.runner()) && known.progress().equals(progress);
        }
        ChangeNote note = new ChangeNote(progress, runner, audit.now(connection));
        audit.update(connection, change, name, progress.events(), note.detail());
        return true;
    }

    ChangeProgress end(Connection connection, Change change, ChangeProgress.State state) throws SQLException {
        ChangeNote known = lock(connection, change);
        ChangeProgress progress = known.progress();
        if (progress.state().isOver()) {
            return progress;
        }
        ChangeNote note = new ChangeNote(progress.with(state), null, audit.now(connection));
        audit.update(connection, change, name, progress.events(), note.detail());
        return note.progress();
    }

    /** The newest replays. */
    List<NotedReplay> replays(Connection connection, int most) throws SQLException {
        long now = audit.now(connection);
        List<NotedReplay> replays = new ArrayList<>();
        for (AuditRow entry : audit.list(connection, name, Action.REPLAY, most)) {
            ChangeNote note = ChangeNote.of(entry.detail());
            if (note != null) {
                Change change = Change.by(entry.actor(), entry.reason()).id(entry.changeId());
                replays.add(new NotedReplay(name, change, entry.at(), note.progress(), note.isLive(now)));
            }
        }
        return replays;
    }

    boolean knows(Connection connection, Change change) throws SQLException {
        return audit.find(connection, name, change.id()).isPresent();
    }

    /** Adds events to a change that continues. */
    ChangeProgress add(Connection connection, Change change, ChangeProgress before, long events) throws SQLException {
        ChangeProgress progress = before.and(events).with(ChangeProgress.State.RUNNING);
        ChangeNote note = new ChangeNote(progress, null, audit.now(connection));
        audit.update(connection, change, name, progress.events(), note.detail());
        return progress;
    }

    /** The note of a change that has begun; it stays locked until the transaction ends, so that its parts take turns. */
    ChangeNote lock(Connection connection, Change change) throws SQLException {
        ChangeNote note = ChangeNote.of(audit.lock(connection, name, change.id()));
        if (note == null) {
            throw new IllegalStateException("The audit entry of change " + change.id() + " of outbox " + name
                    + " was removed while the change was being made");
        }
        return note;
    }

    /** What is known about a change; if nothing is, others that begin it wait until this transaction has ended. */
    Optional<AuditTable.Known> claim(Connection connection, Change change, Action action) throws SQLException {
        Optional<AuditTable.Known> before = known(connection, change, action);
        if (before.isPresent()) {
            return before;
        }
        audit.claim(connection, change, action, name);
        return known(connection, change, action);
    }

    /** @throws IllegalArgumentException if the change's id was used for another action */
    private Optional<AuditTable.Known> known(Connection connection, Change change, Action action) throws SQLException {
        Optional<AuditTable.Known> known = audit.find(connection, name, change.id());
        if (known.isPresent() && known.get().action() != action) {
            throw usedFor(change, "a " + known.get().action().name().toLowerCase(Locale.ROOT));
        }
        return known;
    }

    IllegalArgumentException usedFor(Change change, @Nullable String other) {
        return new IllegalArgumentException("Change " + change.id() + " of outbox " + name + " was something else ("
                + other + "); every change needs its own id");
    }
}
