package dev.posthaste.reliability.simulation;

import dev.posthaste.reliability.simulation.Transaction.Change;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Checks operators' changes against the audit: both are in one commit, a change affects each event at most once, and in
 * the end the change affected as many events as it reports.
 */
final class Audits {
    private final Oracle truth;
    private final OutboxTable table;
    private final Map<String, Set<Long>> changed = new HashMap<>();

    Audits(Oracle truth, OutboxTable table) {
        this.truth = truth;
        this.table = table;
    }

    /** A console's commit: one change, or a part of it. */
    void committed(List<Change> changes) {
        Set<Long> audited = new HashSet<>();
        String id = null;
        boolean purges = false;
        for (Change change : changes) {
            if (change.table().name.equals(Database.AUDIT) && change.after() != null) {
                id = (String) change.after("change_id");
                purges |= "purge".equals(change.after("action"));
                long row = (Long) Objects.requireNonNull(change.after("event_row"));
                if (row != 0) {
                    audited.add(row == Long.MIN_VALUE ? 0 : row);
                }
            }
        }
        Set<Long> events = new HashSet<>();
        for (Change change : changes) {
            if (change.table().name.equals(table.name())) {
                events.add(table.id(Objects.requireNonNull(change.before())));
            }
        }
        truth.require(
                purges || events.equals(audited),
                "audit",
                "a change of rows %s has entries of rows %s",
                events,
                audited);
        Set<Long> before = changed.computeIfAbsent(String.valueOf(id), each -> new HashSet<>());
        for (Long row : events) {
            truth.require(before.add(row), "audit", "row %d was changed twice by %s", row, id);
        }
    }

    void requireChanged(String change, long events) {
        int known = changed.getOrDefault(change, Set.of()).size();
        truth.require(
                events == known, "audit", "%s says that it changed %d events, but changed %d", change, events, known);
    }
}
