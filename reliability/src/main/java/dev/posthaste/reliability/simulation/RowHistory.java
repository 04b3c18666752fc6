package dev.posthaste.reliability.simulation;

import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.reliability.simulation.Transaction.Change;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Checks how the outbox's rows change: only in legal ways, and nothing is deleted before it has ended. */
final class RowHistory {
    /** The run does not wait for events that are due later than this. */
    private static final long LATER_NANOS = 1_000_000_000_000L;

    private final Schedule schedule;
    private final Oracle truth;
    private final Fates fates;
    private final OutboxTable table;
    private final boolean tracked;
    private final long keepNanos;

    RowHistory(Schedule schedule, Oracle truth, Fates fates, Configuration configuration) {
        this.schedule = schedule;
        this.truth = truth;
        this.fates = fates;
        this.table = configuration.table();
        this.tracked = configuration.tracked;
        this.keepNanos = configuration.keep.toNanos();
    }

    /** @param owner the outbox's owner at that moment */
    void changed(Node node, Change change, @Nullable String owner) {
        @Nullable Object @Nullable [] before = change.before();
        @Nullable Object @Nullable [] after = change.after();
        Fate fate = before == null ? written(Objects.requireNonNull(after)) : fates.get(table.event(before));
        if (after == null) {
            deleted(node, fate, Objects.requireNonNull(before));
        } else if (before != null) {
            moved(node, fate, before, after, owner);
        }
        if (after != null) {
            fate.counts(table.generation(after), table.attempts(after));
        }
        fate.changes++;
        fate.status = after == null ? null : table.status(after);
        fate.foreign = after != null && fate.status == null;
        fate.deadOnce |= "dead".equals(fate.status);
        fates.changed(fate);
    }

    private Fate written(@Nullable Object[] row) {
        Fate fate = new Fate(table.event(row), table.key(row), table.id(row));
        fate.destination = (String) table.value(Column.DESTINATION, row);
        Fate before = fates.add(fate);
        if (before != null) {
            fate.isAgain(before);
        }
        if (!table.has(Column.EVENT_ID)) {
            truth.attempted(fate.event, table.payload(row)); // its id was not known before
        }
        Long due = table.dueAt(row);
        fate.committedAt = schedule.now();
        fate.delayed = due != null;
        fate.reminder = due != null && due - schedule.now() > LATER_NANOS;
        return fate;
    }

    private void deleted(Node node, Fate fate, @Nullable Object[] row) {
        String status = table.status(row);
        if (node.role == Node.Role.CONSOLE) {
            fate.discarded = "dead".equals(status);
            truth.require(
                    status != null && !status.equals("pending"),
                    "retention",
                    "%s was purged while it was %s",
                    fate.event,
                    status == null ? "another program's" : status);
            return;
        }
        boolean over = tracked ? "consumed".equals(status) : "published".equals(status) || "consumed".equals(status);
        truth.require(over, "retention", "%s was deleted while it was %s", fate.event, status);
        Long since = table.since(row, Objects.requireNonNull(status));
        long age = schedule.now() - Objects.requireNonNull(since);
        truth.require(age >= keepNanos, "retention", "%s was deleted %d ns after it ended", fate.event, age);
    }

    private void moved(
            Node node, Fate fate, @Nullable Object[] before, @Nullable Object[] after, @Nullable String owner) {
        String from = table.status(before);
        String to = table.status(after);
        if (from == null || to == null) {
            truth.require(
                    node.role == Node.Role.OPERATOR,
                    "status",
                    "%s went from %s to %s by %s, and one of these is another program's",
                    fate.event,
                    from,
                    to,
                    node);
            fate.late = true; // later events of its key may have overtaken it
            return;
        }
        long more = table.attempts(after) - table.attempts(before);
        boolean legal = switch (from) {
            case "pending" -> true;
            case "published" -> tracked || to.equals("published");
            case "consumed" -> to.equals("consumed");
            default ->
                to.equals("dead")
                        || node.role == Node.Role.OPERATOR
                        || node.role == Node.Role.CONSOLE
                        || (to.equals("consumed")
                                && (node.role == Node.Role.CONSUMER || node.role == Node.Role.INTAKE));
        };
        fate.ungenerated |= from.equals("dead") && to.equals("pending") && !table.has(Column.GENERATION);
        fate.late |= from.equals("published") && to.equals("dead");
        truth.require(legal, "status", "%s went from %s to %s by %s", fate.event, from, to, node);
        if (from.equals("pending") && node.role == Node.Role.RELAY) {
            truth.require(
                    node.name.equals(owner),
                    "epoch",
                    "%s was settled as %s by %s while %s owned the outbox",
                    fate.event,
                    to,
                    node,
                    owner);
        }
        if (to.equals("published") || to.equals("consumed")) {
            truth.require(fate.arrived, "loss", "%s is %s, but never reached the broker", fate.event, to);
        }
        truth.require(
                more <= 0 || fate.refusals-- > 0 || fate.ungenerated,
                "attempts",
                "an attempt of %s was counted by %s without a refusal",
                fate.event,
                node);
    }
}
