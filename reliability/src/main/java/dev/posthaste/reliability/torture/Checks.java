package dev.posthaste.reliability.torture;

import dev.posthaste.reliability.torture.Setup.Wire;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What must be true when all faults are over and everything is drained: of the writers' histories, the effects, the
 * rows and the topic.
 */
final class Checks {
    /** Per checker: what breaks one promise often breaks another, and both must be visible. */
    private static final int MAX_SHOWN = 20;

    /** The beginnings of the errors of events that are dead immediately. */
    private static final List<String> HOPELESS = List.of(Probe.DEATH, "RabbitMQ reserves the headers CC and BCC");

    private final Testbed stage;
    private final Topic topic;
    private final List<String> violations;
    private final Map<String, Integer> found = new HashMap<>();
    private long events;
    private long unknown;
    private long died;
    private long deadLetters;
    private long wireDuplicates;
    private long longestStall;

    /**
     * @param topic what Kafka's topic contained in its earlier incarnations
     * @param violations receives what is not true
     */
    Checks(Testbed stage, Topic topic, List<String> violations) {
        this.stage = stage;
        this.topic = topic;
        this.violations = violations;
    }

    /**
     * @param events that were committed
     * @param unknown transactions whose outcome no writer knows
     * @param died rows that were dead for a while, except those that the campaign killed itself
     * @param deadLetters messages that consumers gave up on
     * @param wireDuplicates messages in excess of events, as the topic shows or the consumers counted
     * @param longestStall the longest time between two effects in milliseconds, whatever its reason
     */
    record Found(long events, long unknown, long died, long deadLetters, long wireDuplicates, long longestStall) {}

    /** An effect; effects are listed in the order in which they were written. */
    private record Effect(String event, int key, long version, long row, boolean whole) {}

    Found run() throws Exception {
        History.Read history = History.read(stage.setup.home());
        try (Connection connection = stage.connect()) {
            Set<Long> deadOnce = new HashSet<>(numbers(connection, "select row_id from died"));
            died = deadOnce.size() - Probe.putToDeath(history.events());
            texts(connection, "select what from wrong").forEach(this::violated);
            List<String> dead = texts(connection, "select event_id from orders where status = 'dead'");
            List<DeadLetters.Letter> letters = DeadLetters.read(stage.setup);
            deadLetters = letters.size();
            List<Effect> effects = new ArrayList<>();
            read(
                    connection,
                    "select event_id, event_key, version, row_id, whole from effects order by id",
                    row -> effects.add(new Effect(
                            row.getString(1), row.getInt(2), row.getLong(3), row.getLong(4), row.getInt(5) == 1)));
            Traces traces = Traces.of(effects.stream().map(Effect::event).toList(), dead, letters);
            checkEffects(history, effects, deadOnce);
            checkCommitted(history, traces);
            checkAcknowledged(history, traces);
            checkChanges(connection, effects, letters);
            HandlerHistory.Read handlers = HandlerHistory.read(stage.setup.home());
            checkHandlers(handlers, effects);
            checkRefused(handlers);
            checkDead(connection);
            measureStall(connection);
            checkStatus(connection);
            if (stage.setup.wire() == Wire.KAFKA) {
                checkTopic(deadOnce);
            } else {
                wireDuplicates = countedDuplicates();
            }
        }
        checkApplication(history);
        return new Found(events, unknown, died, deadLetters, wireDuplicates, longestStall);
    }

    private void violated(String what) {
        String checker = what.substring(0, what.indexOf(':'));
        if (found.merge(checker, 1, Integer::sum) <= MAX_SHOWN) {
            violations.add(what);
        }
    }

    private void checkEffects(History.Read history, List<Effect> effects, Set<Long> deadOnce) {
        Set<String> handled = new HashSet<>();
        Map<Integer, Effect> last = new HashMap<>();
        for (Effect effect : effects) {
            if (!handled.add(effect.event())) {
                violated("effects: " + effect.event() + " was handled twice");
            }
            if (!effect.whole()) {
                violated("payload: " + effect.event() + " was not handled as it was written");
            }
            Character fate = history.fates().get(transaction(effect.event()));
            if (fate != null && fate == 'R') {
                violated("phantom: " + effect.event() + " was handled, but was rolled back");
            }
            if (!history.events().containsKey(transaction(effect.event()))) {
                violated("phantom: " + effect.event() + " was handled, but no writer tried to write it");
            }
            if (!deadOnce.contains(effect.row())) {
                Effect before = last.put(effect.key(), effect);
                if (before != null && (before.version() >= effect.version() || before.row() >= effect.row())) {
                    violated("effects in order: of key " + effect.key() + ", version " + effect.version() + " (row "
                            + effect.row() + ") came after " + before.version() + " (row " + before.row() + ")");
                }
            }
        }
    }

    private void checkCommitted(History.Read history, Traces traces) {
        history.events().forEach((transaction, number) -> {
            Character fate = history.fates().get(transaction);
            if (fate == null) {
                unknown++;
            }
            int there = 0;
            for (int i = 0; i < number; i++) {
                there += traces.has(transaction + "-" + i) ? 1 : 0;
            }
            if (fate != null && fate == 'C' && there < number) {
                violated("loss: of the " + number + " events of " + transaction + ", which was committed, only " + there
                        + " were handled, are dead or are dead letters");
            } else if (fate == null && there != 0 && there != number) {
                violated("loss: " + there + " of the " + number + " events of " + transaction
                        + ", whose outcome is unknown, are there");
            }
            events += there;
        });
    }

    /** What the broker acknowledged did not vanish, and nothing was published that should not be. */
    private void checkAcknowledged(History.Read history, Traces traces) throws IOException {
        RelayHistory.readAcknowledged(stage.setup.home(), event -> {
            if (!history.events().containsKey(transaction(event))
                    || Character.valueOf('R').equals(history.fates().get(transaction(event)))) {
                violated("phantom: " + event + " was published, but never committed");
            } else if (!traces.has(event)) {
                violated("trace: the broker acknowledged " + event
                        + ", but it has no effect, is not dead, and is not a dead letter");
            }
        });
        if (stage.setup.wire().tracks()) {
            traces.handledAndDead().forEach(event -> violated("trace: " + event + " has an effect, but is dead"));
        }
        traces.handledAndGivenUp()
                .forEach(event -> violated("trace: " + event + " has an effect, but is a dead letter too"));
    }

    /** Every change of an aggregate has its event: handled, dead or a dead letter. */
    private void checkChanges(Connection connection, List<Effect> effects, List<DeadLetters.Letter> letters)
            throws SQLException {
        Map<String, Set<String>> events = new HashMap<>();
        for (Effect effect : effects) {
            events.computeIfAbsent(Content.key(effect.key()), key -> new HashSet<>())
                    .add(effect.event());
        }
        letters.forEach(letter ->
                events.computeIfAbsent(letter.key(), key -> new HashSet<>()).add(letter.event()));
        read(
                connection,
                "select event_key, event_id from orders where status = 'dead'",
                row -> events.computeIfAbsent(row.getString(1), key -> new HashSet<>())
                        .add(row.getString(2)));
        read(connection, "select id, version from aggregates where version > 0", row -> {
            String key = Content.key(row.getInt(1));
            int there = events.getOrDefault(key, Set.of()).size();
            if (row.getLong(2) != there) {
                violated("loss: " + key + " was changed " + row.getLong(2) + " times, but has " + there + " events");
            }
        });
    }

    private static String transaction(String event) {
        return event.substring(0, event.lastIndexOf('-'));
    }

    private void checkHandlers(HandlerHistory.Read history, List<Effect> effects) {
        Set<String> there = new HashSet<>();
        for (Effect effect : effects) {
            there.add(effect.event());
            if (!history.tried().contains(effect.event())) {
                violated("phantom: there is an effect of " + effect.event() + ", but no handler tried it");
            }
        }
        for (String event : history.handled()) {
            if (!there.contains(event)) {
                violated("loss: " + event + " was reported to its consumer as handled, but there is no effect");
            }
        }
        history.twice()
                .forEach(event -> violated("effects: " + event + " was reported to its consumers as handled twice"));
    }

    /** Not on the local broker, where consumers refuse messages that they have received. */
    private void checkRefused(HandlerHistory.Read handlers) throws IOException {
        if (stage.setup.wire() != Wire.LOCAL) {
            RelayHistory.readRefused(stage.setup.home(), event -> {
                if (handlers.atFirst().contains(event)) {
                    violated("attempts: " + event + " was refused when it was first sent, but that message arrived");
                }
            });
        }
    }

    /** Only events that can never be published are dead before their attempts are used up. */
    private void checkDead(Connection connection) throws SQLException {
        read(
                connection,
                "select event_id, attempts, last_error from orders"
                        + " where status = 'dead' and (max_attempts is null or attempts < max_attempts)",
                row -> {
                    String error = String.valueOf(row.getString(3));
                    if (HOPELESS.stream().noneMatch(error::startsWith)) {
                        violated("attempts: " + row.getString(1) + " is dead, but has attempts left after "
                                + row.getInt(2) + ": " + error);
                    }
                });
    }

    private void measureStall(Connection connection) throws SQLException {
        long[] last = {0};
        read(connection, "select written_at from effects order by written_at", row -> {
            long at = row.getTimestamp(1).getTime();
            longestStall = Math.max(longestStall, last[0] == 0 ? 0 : at - last[0]);
            last[0] = at;
        });
    }

    private void checkStatus(Connection connection) throws SQLException {
        String end = stage.setup.wire().end();
        for (String status : texts(connection, "select distinct status from orders")) {
            if (!status.equals(end) && !status.equals("dead")) {
                violated("status: at the end, rows were still " + status);
            }
        }
        for (String reason : texts(connection, "select coalesce(last_error, '') from orders where status = 'dead'")) {
            if (reason.isBlank()) {
                violated("status: a row is dead without a reason");
            }
        }
        if (stage.setup.wire().tracks()) {
            for (String error : texts(connection, "select last_error from orders where attempts > 0")) {
                if (!mayBeCounted(error)) {
                    violated("attempts: one was counted although no broker refused anything: " + error);
                }
            }
        }
    }

    /** An event without a topic to go to counts an attempt, and so does one whose destination an older relay does not know. */
    private boolean mayBeCounted(String error) {
        return error.startsWith("destination " + stage.setup.wire().oddDestination() + " is not among those allowed")
                || (topic.wasDeleted() && error.startsWith("topic ") && error.endsWith(" does not exist"));
    }

    // --- On the wire -------------------------------------------------------------------------------------------------

    private void checkTopic(Set<Long> deadOnce) {
        topic.read(stage.setup);
        Set<Long> seen = new HashSet<>();
        Map<String, Long> last = new HashMap<>();
        for (Topic.Arrival arrival : topic.arrivals()) {
            if (!seen.add(arrival.row())) {
                wireDuplicates++;
            } else if (!deadOnce.contains(arrival.row())) {
                Long before = last.put(arrival.key(), arrival.row());
                if (before != null && before > arrival.row()) {
                    violated("order: of " + arrival.key() + ", row " + arrival.row() + " first arrived after row "
                            + before);
                }
            }
        }
    }

    /** As counted by the consumers; what a killed one had not recorded yet is missing. */
    private long countedDuplicates() throws IOException {
        return VitalSigns.lastOfAll(stage.setup.home(), ConsumerProcess.DUPLICATES).values().stream()
                .mapToLong(Long::longValue)
                .sum();
    }

    // --- The application ---------------------------------------------------------------------------------------------

    /** Connections may be lost; deadlocks and waits for locks would be caused by Posthaste. */
    private void checkApplication(History.Read history) {
        for (String line : history.failures()) {
            String[] words = line.split(" ", 6);
            if (List.of("40001", "40P01", "55P03").contains(words[3])
                    || List.of("1205", "1213").contains(words[4])) {
                violated("application: a writer's transaction was aborted: " + line);
            }
        }
    }

    // --- Reading -----------------------------------------------------------------------------------------------------

    /** Receives one row. */
    private interface Taker {
        void take(ResultSet row) throws SQLException;
    }

    private static void read(Connection connection, String sql, Taker taker) throws SQLException {
        connection.setAutoCommit(false); // PostgreSQL streams results only without auto-commit
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(1000);
            try (ResultSet rows = statement.executeQuery(sql)) {
                while (rows.next()) {
                    taker.take(rows);
                }
            }
        }
        connection.commit();
    }

    private static List<String> texts(Connection connection, String sql) throws SQLException {
        List<String> found = new ArrayList<>();
        read(connection, sql, row -> found.add(row.getString(1)));
        return found;
    }

    private static List<Long> numbers(Connection connection, String sql) throws SQLException {
        List<Long> found = new ArrayList<>();
        read(connection, sql, row -> found.add(row.getLong(1)));
        return found;
    }
}
