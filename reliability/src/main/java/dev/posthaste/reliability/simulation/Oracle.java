package dev.posthaste.reliability.simulation;

import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.reliability.simulation.Transaction.Change;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What really happened, according to the database's commits, the broker's log and the handlers, and what must be true
 * of it. Some of it is checked as it happens, the rest at the end. Checkers are named after what they guarantee.
 */
final class Oracle {
    /** What a checker found; the first one ends the run. */
    static final class ViolationException extends RuntimeException {
        final String checker;

        ViolationException(String checker, String what) {
            super(checker + ": " + what);
            this.checker = checker;
        }
    }

    private static final long STATEMENTS_A_SECOND = 45;
    private static final long STATEMENTS_AN_EVENT = 15;
    /** While a destination is missing, its events are tried and deferred over and over. */
    private static final long STATEMENTS_A_REFUSAL = 6;
    /** A failing destination delays the others by a second at most, and a relay starts within another second. */
    private static final long ISOLATION_NANOS = 2_500_000_000L;

    private final Schedule schedule;
    private final boolean tracked;
    private final int parts;
    private final boolean isolated;
    private final Set<String> consumers;
    private final boolean receiptsTravel;
    private final OutboxTable table;
    private final Map<String, String> payloads = new HashMap<>();
    private final Fates fates;
    private final RowHistory rows;
    private final Ownership ownership;
    private final KeyOrder order;
    private final Audits audits;
    private final Replayed replayed;
    private final boolean missing;
    private int wireDuplicates;
    private int arrivals;
    private long refusals;

    Oracle(Schedule schedule, World world, Configuration configuration) {
        this.schedule = schedule;
        this.tracked = configuration.tracked;
        this.missing = world.has(World.Trait.SECOND_DESTINATION);
        this.isolated = world.secondFailsAlone();
        this.parts = Handlers.parts(world);
        this.consumers = world.consumers();
        this.receiptsTravel = configuration.receiptsTravel();
        this.table = configuration.table();
        this.fates = new Fates(consumers, receiptsTravel);
        this.rows = new RowHistory(schedule, this, fates, configuration);
        this.ownership = new Ownership(schedule, this, Configuration.LEASE.toNanos());
        this.order = new KeyOrder(this, configuration.blocking);
        this.audits = new Audits(this, table);
        this.replayed = new Replayed(schedule, this);
    }

    OutboxTable table() {
        return table;
    }

    void require(boolean holds, String checker, String what, @Nullable Object... of) {
        if (!holds) {
            ViolationException violation = new ViolationException(checker, what.formatted(of));
            schedule.failed(violation);
            throw violation;
        }
    }

    // --- While the run lasts -----------------------------------------------------------------------------------------

    void attempted(String event, String payload) {
        payloads.put(event, payload);
    }

    boolean isCommitted(String event) {
        return fates.find(event) != null;
    }

    /** A node's commit, with the outbox's owner at that moment. */
    void committed(Node node, List<Change> changes, @Nullable String owner) {
        Map<Effect, Integer> handled = new LinkedHashMap<>();
        for (Change change : changes) {
            schedule.happened("%s commits %s", node, change);
        }
        if (node.role == Node.Role.CONSOLE) {
            audits.committed(changes);
            changes.stream()
                    .filter(change -> change.table().name.equals(Database.AUDIT))
                    .forEach(replayed::audited);
        }
        for (Change change : changes) {
            String name = change.table().name;
            if (name.equals(table.name())) {
                rows.changed(node, change, owner);
            } else if (name.equals(Database.LEASES)) {
                ownership.changed(node, change);
            } else if (name.equals(Database.EFFECTS)) {
                handled.merge(
                        new Effect((String) Objects.requireNonNull(change.after("event_id")), (String)
                                Objects.requireNonNull(change.after("consumer"))),
                        1,
                        Integer::sum);
            }
        }
        handled.forEach(this::effect);
        for (Change change : changes) {
            @Nullable Object @Nullable [] after = change.after();
            if (change.table().name.equals(table.name()) && after != null) {
                Fate fate = fates.get(table.event(after));
                require(
                        !"consumed".equals(fate.status) || fate.handled(consumers),
                        "loss",
                        "%s is consumed, but was handled only by %s",
                        fate.event,
                        fate.effects.keySet());
            }
        }
    }

    /** What a consumer's handler of an event does. */
    private record Effect(String event, String consumer) {}

    private void effect(Effect effect, int rows) {
        String event = effect.event();
        Fate fate = fates.find(event);
        require(fate != null, "phantom", "%s was handled, but never committed", event);
        Fate known = Objects.requireNonNull(fate);
        require(rows == parts, "effects", "%d of %d parts of the effect of %s were committed", rows, parts, event);
        int times = known.effects.merge(effect.consumer(), 1, Integer::sum);
        require(times == 1, "effects", "%s was handled %d times by %s", event, times, effect.consumer());
        fates.changed(known);
        if (tracked && consumers.size() == 1 && !receiptsTravel && !known.replayed) {
            require(
                    known.status == null || known.status.equals("consumed"),
                    "receipt",
                    "%s was handled, but is %s",
                    event,
                    known.status);
        }
        order.handled(known, effect.consumer());
    }

    /** Checks how much the driver has in memory at once besides small values. */
    void answered(Node node, long largeBytes, long most) {
        require(
                node.role != Node.Role.RELAY || largeBytes <= most,
                "memory",
                "a response to %s held %d bytes of large values, more than the limit of %d",
                node,
                largeBytes,
                most);
    }

    // --- Messages sent -----------------------------------------------------------------------------------------------

    /**
     * A node sends an event.
     *
     * @param claims how many claims on the outbox were made before
     * @param changes how often its row had changed
     * @param seen the attempts and the generation in its message: it may have been read before its row changed
     */
    record Sending(Node node, long claims, int changes, String seen) {}

    /**
     * A sender that knows that the broker has an event does not send it again while its claim lasts and the row is
     * unchanged.
     */
    Sending sent(Node node, Message message) {
        String event = message.eventId();
        ownership.requireNotPaused("%s sent %s", node, event);
        Fate fate = fates.find(event);
        String seen = message.headers().get(MessageHeaders.ATTEMPTS) + " in "
                + message.headers().get(MessageHeaders.GENERATION);
        if (fate != null && tracked && table.has(Column.GENERATION)) {
            fate.ungenerated |= message.headers().get(MessageHeaders.GENERATION) == null;
        }
        Sending sending = new Sending(node, ownership.claims(), fate == null ? 0 : fate.changes, seen);
        require(
                fate == null || !sending.equals(fate.acknowledged),
                "duplicates",
                "%s sent %s again, although it knows that the broker has it",
                node,
                event);
        return sending;
    }

    /** A change reports that it is complete, and how many events it has changed. */
    void requireChanged(String change, long events) {
        audits.requireChanged(change, events);
    }

    void acknowledged(Sending sending, @Nullable String event) {
        Fate fate = fates.find(event);
        if (fate != null) {
            fate.acknowledged = sending;
        }
    }

    void arrived(@Nullable String event) {
        Fate fate = fates.find(event);
        require(fate != null, "phantom", "%s was published, but never committed", event);
        Fate known = Objects.requireNonNull(fate);
        schedule.happened("row %d, %s, arrives at the broker", known.row, event);
        require(!known.foreign, "phantom", "%s was published, although its status is another program's", event);
        if (known.arrived) {
            wireDuplicates++;
            return;
        }
        requireIsolation(known);
        known.arrived = true;
        arrivals++;
        order.arrived(known);
    }

    /** If only the second destination fails, events for the first one do not wait for it. */
    private void requireIsolation(Fate fate) {
        long waited = schedule.now() - fate.committedAt;
        require(
                !isolated || fate.destination != null || fate.delayed || waited <= ISOLATION_NANOS,
                "isolation",
                "%s waited for %d ms, although its destination works",
                fate.event,
                waited / 1_000_000);
    }

    /** The broker rejected it, or its consumer refused it: one attempt may be counted. */
    void refused(@Nullable String event) {
        Fate fate = fates.find(event);
        if (fate != null) {
            fate.refusals++;
            refusals++;
        }
    }

    /** The consumer will not handle it now; later events of its key may overtake it. */
    void givenUp(@Nullable String event) {
        Fate fate = fates.find(event);
        if (fate != null) {
            schedule.happened("the consumer gives up on %s", event);
            fate.givenUp = true;
        }
    }

    /** The broker is asked to drop a message that was not handled, because its row decides what comes next. */
    void leftToOutbox(Message message) {
        if (receiptsTravel) {
            return; // whether the receipt arrives is checked at the end
        }
        Fate fate = fates.get(message.eventId());
        long generation = Long.parseLong(message.headers().getOrDefault(MessageHeaders.GENERATION, "0"));
        long attempts = Long.parseLong(message.headers().getOrDefault(MessageHeaders.ATTEMPTS, "0"));
        require(
                fate.counted(generation, attempts),
                "refused",
                "%s was refused, is %s, and neither its row nor a dead letter shows the refusal",
                fate.event,
                fate.status);
    }

    /** A format or parser throws an error when it meets the event: it may be refused, even after it was handled. */
    void unreadable(@Nullable String event) {
        Fate fate = fates.find(event);
        if (fate != null) {
            fate.unreadable = true;
            fates.changed(fate);
        }
    }

    /** An event that was given up on after a number of attempts was tried that many times by a handler. */
    void requireTried(@Nullable String event, Failure failure) {
        Fate fate = fates.find(event);
        require(
                fate == null || fate.unreadable || fate.starts >= failure.attempts(),
                "attempts",
                "%s was given up on after %d attempts, but its handler began %d times: %s",
                event,
                failure.attempts(),
                fate == null ? 0 : fate.starts,
                failure.reason());
    }

    void deadLettered(@Nullable String event) {
        Fate fate = fates.get(event);
        fate.deadLettered = true;
        fate.givenUp = true;
        fates.changed(fate);
    }

    void handling(String event, String payload, Map<String, String> headers, Map<String, String> found) {
        schedule.happened("%s is being handled", event);
        Fate fate = fates.find(event);
        if (fate != null) {
            fate.starts++;
            fate.replayed |= found.containsKey(MessageHeaders.REPLAY);
        }
        require(
                payload.equals(payloads.get(event)),
                "payload",
                "%s arrived as '%.100s', but was written as '%.100s'",
                event,
                payload,
                payloads.get(event));
        require(
                found.entrySet().containsAll(headers.entrySet()),
                "payload",
                "%s arrived with headers %s, but was written with %s",
                event,
                found,
                headers);
    }

    /** An application's own transaction failed, and the simulation's faults are not the cause. */
    void applicationFailed(Throwable cause) {
        throw new ViolationException("application", "a writer's transaction failed: " + cause);
    }

    // --- At the end --------------------------------------------------------------------------------------------------

    int committedEvents() {
        return fates.size();
    }

    /** How many events have reached the broker. */
    int arrivals() {
        return arrivals;
    }

    int wireDuplicates() {
        return wireDuplicates;
    }

    /** Whether there is nothing left to do. */
    boolean quiet() {
        return fates.quiet();
    }

    Replayed replayed() {
        return replayed;
    }

    Fates fates() {
        return fates;
    }

    void requireQuiet(long afterNanos) {
        require(quiet(), "recovery", "%d ms after the last fault, %s", afterNanos / 1_000_000, fates.unquiet());
    }

    /** Twice as many as runs have been seen to need: more indicates a relay that queries over and over. */
    void requireFewStatements(long statements, long relaySeconds) {
        long most = STATEMENTS_A_SECOND * relaySeconds
                + STATEMENTS_AN_EVENT * fates.size()
                + STATEMENTS_A_REFUSAL * (missing ? refusals : 0);
        require(
                statements <= most,
                "statements",
                "relays sent %d statements in %d seconds of running, for %d events",
                statements,
                relaySeconds,
                fates.size());
    }

    void requireOrder() {
        order.require();
    }
}
