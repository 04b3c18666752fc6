package dev.posthaste.reliability.simulation;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.reliability.simulation.Transaction.Change;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What really happened, as the database's commits, the broker's log and the handlers show it, and what must be true of it.
 * Some of it is checked as it happens, the rest at the end. Checkers have the names of what they hold.
 */
final class Truth {
    /** What a checker found; the first one ends the run. */
    static final class Violation extends RuntimeException {
        final String checker;

        Violation(String checker, String what) {
            super(checker + ": " + what);
            this.checker = checker;
        }
    }

    /** A committed event, and what became of it. */
    static final class Fate {
        final String event;
        final @Nullable String key;
        final long row;
        int refusals;
        boolean arrived;
        boolean deadLettered;
        boolean deadOnce;
        boolean givenUp;
        /** Later ones of its key went before it, and might. */
        boolean late;

        int effects;
        /** The most that its row has counted: how often it was requeued, and the attempts since. */
        long generation;

        long attempts;

        @Nullable
        String status;

        Fate(String event, @Nullable String key, long row) {
            this.event = event;
            this.key = key;
            this.row = row;
        }

        /** Written again by who did not know that it was there, after retention had deleted it: one event all the same. */
        void isAgain(Fate before) {
            arrived = before.arrived;
            effects = before.effects;
            deadLettered = before.deadLettered;
            late = true;
        }

        void counts(Change change) {
            long its = (Long) Objects.requireNonNull(change.after("generation"));
            attempts = its > generation ? 0 : attempts;
            generation = Math.max(generation, its);
            attempts = Math.max(attempts, (Long) Objects.requireNonNull(change.after("attempts")));
        }

        boolean counted(long seenGeneration, long seenAttempts) {
            return generation > seenGeneration || (generation == seenGeneration && attempts > seenAttempts);
        }

        boolean ended() {
            return effects > 0 || deadLettered || "dead".equals(status);
        }
    }

    private final Schedule schedule;
    private final boolean tracked;
    private final boolean blocking;
    private final long keepNanos;
    private final Map<String, Fate> committed = new LinkedHashMap<>();
    private final Map<String, String> payloads = new HashMap<>();
    private final Set<String> unended = new LinkedHashSet<>();
    private final Set<String> pending = new HashSet<>();
    private final Map<String, List<Fate>> arrivals = new HashMap<>();
    private final Map<String, List<Fate>> effects = new HashMap<>();
    int wireDuplicates;

    /**
     * @param blocking whether a key waits for its dead event
     * @param keepNanos how long retention keeps what has ended
     */
    Truth(Schedule schedule, boolean tracked, boolean blocking, long keepNanos) {
        this.schedule = schedule;
        this.tracked = tracked;
        this.blocking = blocking;
        this.keepNanos = keepNanos;
    }

    private static void require(boolean holds, String checker, String what, @Nullable Object... of) {
        if (!holds) {
            throw new Violation(checker, what.formatted(of));
        }
    }

    // --- As it happens -----------------------------------------------------------------------------------------------

    void attempted(String event, String payload) {
        payloads.put(event, payload);
    }

    boolean isCommitted(String event) {
        return committed.containsKey(event);
    }

    /** Another's commit, with who owned the outbox at that moment. */
    void committed(Node node, List<Change> changes, @Nullable String owner) {
        for (Change change : changes) {
            schedule.happened("%s commits %s", node, change);
            switch (change.table().name) {
                case Database.OUTBOX -> outbox(node, change, owner);
                case Database.LEASES -> lease(node, change);
                case Database.EFFECTS -> effect(change);
                default -> {}
            }
        }
        for (Change change : changes) {
            if (change.table().name.equals(Database.OUTBOX) && change.after() != null) {
                Fate fate = Objects.requireNonNull(committed.get(String.valueOf(change.after("event_id"))));
                require(
                        !"consumed".equals(fate.status) || fate.effects > 0,
                        "truth",
                        "%s is consumed and was never handled",
                        fate.event);
            }
        }
    }

    private void outbox(Node node, Change change, @Nullable String owner) {
        String event = (String)
                Objects.requireNonNull(change.after() == null ? change.before("event_id") : change.after("event_id"));
        if (change.before() == null) {
            Fate fate = new Fate(
                    event, (String) change.after("event_key"), (Long) Objects.requireNonNull(change.after("id")));
            Fate before = committed.put(event, fate);
            if (before != null) {
                fate.isAgain(before);
            }
            unended.add(event);
        }
        Fate fate = Objects.requireNonNull(committed.get(event));
        if (change.after() == null) {
            deleted(fate, change);
        } else if (change.before() != null) {
            moved(node, fate, change, owner);
        }
        if (change.after() != null) {
            fate.counts(change);
        }
        fate.status = (String) change.after("status");
        fate.deadOnce |= "dead".equals(fate.status);
        if ("pending".equals(fate.status)) {
            pending.add(event);
        } else {
            pending.remove(event);
        }
        if (fate.ended()) {
            unended.remove(event);
        }
    }

    private void deleted(Fate fate, Change change) {
        Object status = change.before("status");
        boolean over = tracked ? "consumed".equals(status) : "published".equals(status) || "consumed".equals(status);
        require(over, "retention", "%s was deleted while it was %s", fate.event, status);
        long age = schedule.now() - (Long) Objects.requireNonNull(change.before(status + "_at"));
        require(age >= keepNanos, "retention", "%s was deleted %d ns after its end", fate.event, age);
    }

    private void moved(Node node, Fate fate, Change change, @Nullable String owner) {
        String from = (String) Objects.requireNonNull(change.before("status"));
        String to = (String) Objects.requireNonNull(change.after("status"));
        long more = (Long) Objects.requireNonNull(change.after("attempts"))
                - (Long) Objects.requireNonNull(change.before("attempts"));
        boolean legal = switch (from) {
            case "pending" -> true;
            case "published" -> tracked || to.equals("published");
            case "consumed" -> to.equals("consumed");
            default ->
                to.equals("dead")
                        || node.role == Node.Role.OPERATOR
                        || (to.equals("consumed") && node.role == Node.Role.CONSUMER);
        };
        fate.late |= from.equals("published") && to.equals("dead");
        require(legal, "status", "%s went from %s to %s by %s", fate.event, from, to, node);
        if (from.equals("pending") && node.role == Node.Role.RELAY) {
            require(
                    node.name.equals(owner),
                    "epoch",
                    "%s was settled as %s by %s while the outbox was %s's",
                    fate.event,
                    to,
                    node,
                    owner);
        }
        if (to.equals("published") || to.equals("consumed")) {
            require(fate.arrived, "loss", "%s is %s and never reached the broker", fate.event, to);
        }
        require(
                more <= 0 || fate.refusals-- > 0,
                "attempts",
                "an attempt of %s was counted by %s that nobody refused",
                fate.event,
                node);
    }

    private void lease(Node node, Change change) {
        if (change.before() == null || change.after() == null || node.role != Node.Role.RELAY) {
            return;
        }
        String before = (String) Objects.requireNonNull(change.before("owner"));
        String after = (String) Objects.requireNonNull(change.after("owner"));
        long grown = (Long) Objects.requireNonNull(change.after("epoch"))
                - (Long) Objects.requireNonNull(change.before("epoch"));
        if (before.equals(after) || after.isEmpty()) {
            require(
                    grown == 0 || (before.equals(after) && grown == 1),
                    "epoch",
                    "the epoch grew by %d with no new owner",
                    grown);
            return;
        }
        require(grown == 1, "epoch", "the epoch grew by %d when %s took over from '%s'", grown, after, before);
        long left = (Long) Objects.requireNonNull(change.before("expires_at")) - schedule.now();
        require(
                before.isEmpty() || left <= 0,
                "lease",
                "%s took over from %s, whose lease had %d ms left",
                after,
                before,
                left / 1_000_000);
    }

    private void effect(Change change) {
        String event = (String) Objects.requireNonNull(change.after("event_id"));
        Fate fate = committed.get(event);
        require(fate != null, "phantom", "%s was handled and never committed", event);
        Fate known = Objects.requireNonNull(fate);
        known.effects++;
        require(known.effects == 1, "effects", "%s was handled %d times", event, known.effects);
        unended.remove(event);
        if (known.key != null) {
            effects.computeIfAbsent(known.key, key -> new ArrayList<>()).add(known);
        }
    }

    void arrived(@Nullable String event) {
        Fate fate = committed.get(String.valueOf(event));
        require(fate != null, "phantom", "%s was published and never committed", event);
        Fate known = Objects.requireNonNull(fate);
        schedule.happened("the broker has row %d, %s", known.row, event);
        if (known.arrived) {
            wireDuplicates++;
            return;
        }
        known.arrived = true;
        if (known.key != null) {
            arrivals.computeIfAbsent(known.key, key -> new ArrayList<>()).add(known);
        }
    }

    /** The broker said no to its sender, or the consumer to its outbox: one attempt may be counted. */
    void refused(@Nullable String event) {
        Fate fate = committed.get(String.valueOf(event));
        if (fate != null) {
            fate.refusals++;
        }
    }

    /** The consumer will not handle it now; later ones of its key may go before. */
    void givenUp(@Nullable String event) {
        Fate fate = committed.get(String.valueOf(event));
        if (fate != null) {
            schedule.happened("%s is given up", event);
            fate.givenUp = true;
        }
    }

    /** The broker is told to forget a message that was not handled, because its row says what comes next. */
    void leftToOutbox(Message message) {
        Fate fate = Objects.requireNonNull(committed.get(String.valueOf(message.eventId())));
        long generation = Long.parseLong(message.headers().getOrDefault(MessageHeaders.GENERATION, "0"));
        long attempts = Long.parseLong(message.headers().getOrDefault(MessageHeaders.ATTEMPTS, "0"));
        require(
                fate.counted(generation, attempts),
                "refused",
                "%s was refused, is %s, and neither its row nor a dead letter tells of it",
                fate.event,
                fate.status);
    }

    void deadLettered(@Nullable String event) {
        Fate fate = Objects.requireNonNull(committed.get(String.valueOf(event)));
        fate.deadLettered = true;
        fate.givenUp = true;
        unended.remove(fate.event);
    }

    void handling(String event, String payload) {
        schedule.happened("%s is being handled", event);
        require(
                payload.equals(payloads.get(event)),
                "payload",
                "%s came as '%s' and was written as '%s'",
                event,
                payload,
                payloads.get(event));
    }

    /** An application's own transaction failed, and no fault of ours was the cause. */
    void applicationFailed(Throwable cause) {
        throw new Violation("application", "a writer's transaction failed: " + cause);
    }

    // --- At the end --------------------------------------------------------------------------------------------------

    int committedEvents() {
        return committed.size();
    }

    /** Whether there is nothing to be done any more. */
    boolean quiet() {
        return unended.isEmpty() && pending.isEmpty();
    }

    /** The events that died and that nobody has put back. */
    List<Long> dead() {
        return committed.values().stream()
                .filter(fate -> "dead".equals(fate.status))
                .map(fate -> fate.row)
                .toList();
    }

    void requireQuiet(long afterNanos) {
        require(
                quiet(),
                "recovery",
                "%d ms after the last fault, not ended: %s; still pending: %s",
                afterNanos / 1_000_000,
                unended.stream().limit(10).toList(),
                pending.stream().limit(10).toList());
    }

    void requireOrder() {
        arrivals.forEach((key, fates) -> requireInOrder("order", key, fates));
        effects.forEach((key, fates) -> requireInOrder("effects in order", key, fates));
    }

    /**
     * Events that were dead for a while, or given up by their consumer, let the others of their key go before; where a
     * dead event blocks its key, only those do that their consumer gave up.
     */
    private void requireInOrder(String checker, String key, List<Fate> fates) {
        long last = 0;
        for (Fate fate : fates) {
            if (!fate.late && !fate.givenUp && (blocking || !fate.deadOnce)) {
                require(
                        fate.row > last,
                        checker,
                        "row %d of %s came after row %d: %s",
                        fate.row,
                        key,
                        last,
                        fates.stream().map(each -> each.row).toList());
                last = fate.row;
            }
        }
    }
}
