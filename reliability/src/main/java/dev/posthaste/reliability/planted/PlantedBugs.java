package dev.posthaste.reliability.planted;

import dev.posthaste.reliability.planted.PlantedBug.Edit;
import java.util.List;

/** The bugs that the simulation detects. */
final class PlantedBugs {
    private static final String CORE = "posthaste-core/src/main/java/dev/posthaste/";
    private static final String RELAY = "posthaste-relay/src/main/java/dev/posthaste/relay/";
    private static final String LANE = RELAY + "Lane.java";
    private static final String LANES = RELAY + "Lanes.java";
    private static final String PUMP = RELAY + "Pump.java";
    private static final String READER = RELAY + "Reader.java";
    private static final String GAP_CHECK = "came += gapCheck.run(came > 0, late -> readLate(late, false));";
    private static final String SETTLEMENT = RELAY + "Settlement.java";
    private static final String INBOX = CORE + "internal/jdbc/InboxTransaction.java";
    private static final String LEASES = CORE + "internal/jdbc/LeaseTable.java";

    private PlantedBugs() {}

    private static PlantedBug bug(String name, List<String> checkers, Edit... edits) {
        return new PlantedBug(name, 0, checkers, List.of(edits));
    }

    /** A bug that shows rarely, with a seed that shows it. */
    private static PlantedBug bug(String name, long seed, List<String> checkers, Edit... edits) {
        return new PlantedBug(name, seed, checkers, List.of(edits));
    }

    /** Bugs that show only in rare worlds. */
    static final List<PlantedBug> OF_RARE_WORLDS = List.of(
            bug(
                    "a status of another program's that is taken for an end",
                    43,
                    List.of("retention"),
                    new Edit(
                            CORE + "internal/jdbc/RowStore.java",
                            "row.status() != null && statuses.contains(row.status()) && row.restNanos()",
                            "(row.status() == null || statuses.contains(row.status())) && row.restNanos()"),
                    new Edit(
                            CORE + "internal/jdbc/RowRetention.java",
                            "where {status in %s} and {id in ids}\n                \"\"\".formatted(RowSql.words(statuses)));",
                            "where {attempts} >= 0 and {id in ids}\n                \"\"\");")),
            bug(
                    "housekeeping that asks for a column which the table has not got",
                    2_572,
                    List.of("progress"),
                    new Edit(
                            CORE + "internal/jdbc/UnconsumedRows.java",
                            "isTimed || sql.layout.has(Column.UPDATED_AT) || sql.layout.has(Column.CREATED_AT);",
                            "sql.layout.has(Column.ID);")),
            bug(
                    "F10 a sick destination fills the memory of the others",
                    6_890,
                    List.of("isolation"),
                    new Edit(
                            RELAY + "Destinations.java",
                            "gate.park(destination, few, now);",
                            "gate.park(destination, Integer.MAX_VALUE, now);")),
            bug(
                    "gaps that ten thousand rows have passed are forgotten",
                    2_616,
                    List.of("order"),
                    new Edit(
                            RELAY + "Gaps.java",
                            "    private Generation newest = new Generation();\n",
                            "    private Generation newest = new Generation();\n"
                                    + "    private final java.util.ArrayDeque<Long> passed = new java.util.ArrayDeque<>();\n"),
                    new Edit(
                            RELAY + "Gaps.java",
                            "    void seen(long last, long next) {\n",
                            "    void seen(long last, long next) {\n        passed.add(next);\n"
                                    + "        if (passed.size() > 10_000) {\n"
                                    + "            ranges.headMap(passed.poll()).clear();\n        }\n")),
            bug(
                    "a duplicate's receipt that locks the gap where its row was",
                    51_524,
                    List.of("application"),
                    new Edit(CORE + "internal/jdbc/ConnectionStores.java", ".markConsumedBefore(", ".markConsumed(")),
            bug(
                    "a replay that continues after what it had sent, answered or not",
                    4_808,
                    List.of("replay"),
                    new Edit(
                            RELAY + "internal/ReplayWindow.java",
                            "        return progress.at(after, sentThere, failedThere);",
                            "        return progress.at(places.isEmpty() ? after : places.getLast().id, sent, failed);")),
            bug(
                    "a replay that is taken from who is at work on it",
                    1_060,
                    List.of("replay"),
                    new Edit(
                            CORE + "internal/jdbc/ChangeNote.java",
                            "MAX_SILENCE_MICROS = 30_000_000;",
                            "MAX_SILENCE_MICROS = 100_000;")));

    static final List<PlantedBug> ALL = List.of(
            bug(
                    "a bare id cursor",
                    List.of("recovery", "order"),
                    new Edit(
                            READER,
                            "readDue() + catchUp() + sweep() + readFresh();",
                            "readDue() + catchUp() + readFresh();"),
                    new Edit(READER, GAP_CHECK, "")),
            bug("gaps are not checked before dispatching", List.of("order"), new Edit(READER, GAP_CHECK, "")),
            bug(
                    "no gate",
                    List.of("order"),
                    new Edit(
                            RELAY + "KeyHash.java",
                            "return of(event.key(), event.id());",
                            "return of(null, event.id());")),
            bug(
                    "the gate opens when an event is sent",
                    List.of("order"),
                    new Edit(
                            LANES,
                            "        head.lane.dispatch();\n",
                            "        head.lane.removeHead();\n        readyIfPossible(head.lane);\n"),
                    new Edit(LANE, "return inFlight && queue.peekFirst() == answered;", "return true;"),
                    new Edit(LANES, "        head.lane.removeHead();\n        drop(head);\n", "        drop(head);\n"),
                    new Edit(
                            RELAY + "KeyGate.java",
                            "        lane.takeBack();\n",
                            "        lane.insert(head);\n        lane.takeBack();\n")),
            bug(
                    "what timed out is passed by",
                    List.of("order"),
                    new Edit(
                            PUMP,
                            "            gate.resend(held, now + again.after().toNanos(), now);\n",
                            "            gate.done(held, now);\n            gate.settled(held.id());\n")),
            bug(
                    "a key goes on before a death is written down",
                    101_740,
                    List.of("order"),
                    new Edit(PUMP, "unsettledDeaths.put(held.id(), held);", "gate.done(held, now);")),
            bug(
                    "keys that wait for an operator never looked at again",
                    1_285,
                    List.of("order", "recovery"),
                    new Edit(READER, "if (deadEvents != null && !deadEvents.read()) {", "if (false) {")),
            bug(
                    "settling without the epoch",
                    23,
                    List.of("epoch"),
                    new Edit(
                            CORE + "internal/jdbc/RowStore.java",
                            "if (!leases.holds(connection, claim)) {",
                            "if (claim.epoch() < 0) {")),
            bug(
                    "leases by the client's clock",
                    List.of("lease", "epoch"),
                    new Edit(
                            LEASES,
                            "return schema.text(template);",
                            "return schema.text(template).replace(\"clock_timestamp()\", \"local_clock()\").replace(\"now()\", \"local_clock()\");"),
                    new Edit(
                            CORE + "internal/jdbc/RelayTable.java",
                            "return schema.text(template);",
                            "return schema.text(template).replace(\"clock_timestamp()\", \"local_clock()\").replace(\"now()\", \"local_clock()\");")),
            bug(
                    "taking over without compare-and-set",
                    840,
                    List.of("lease", "epoch"),
                    new Edit(
                            LEASES,
                            "where outbox = ? and owner = ? and epoch = ? and paused_by is null\n                \"\"\" + condition",
                            "where outbox = ? and (owner = ? or epoch >= ? or epoch >= 0)\n                \"\"\" + condition"),
                    new Edit(LEASES, "\" and (owner = '' or expires_at <= {now})\"", "\"\"")),
            bug(
                    "marked before it is acknowledged",
                    List.of("loss"),
                    new Edit(
                            PUMP,
                            "parts.broker().publish(message, outcome -> signals.add(new Signal.Answered(held, outcome)));",
                            "signals.add(new Signal.Answered(held, Outcome.acknowledged())); parts.broker().publish(message, outcome -> {});")),
            bug(
                    "a timeout taken for not written",
                    List.of("attempts"),
                    new Edit(
                            SETTLEMENT,
                            "if (outcome instanceof Outcome.Unknown) {",
                            "if (outcome instanceof Outcome.Unknown && event.id() > 0) { return new Decision.Write(Verdict.refused(event.id(), event.seen(), event.maxAttempts(), false, \"timeout\", retry, random)); }\n        if (outcome instanceof Outcome.Unknown) {")),
            bug(
                    "attempts counted while the broker is away",
                    List.of("attempts"),
                    new Edit(
                            SETTLEMENT,
                            "return new Decision.SendAgain(Duration.ZERO); // unavailable: the breaker says when",
                            "return new Decision.Write(Verdict.refused(event.id(), event.seen(), event.maxAttempts(), false, \"away\", retry, random));")),
            bug(
                    "retention by age alone",
                    List.of("retention"),
                    new Edit(
                            CORE + "internal/jdbc/RowStore.java",
                            "outbox.tracked() ? EnumSet.of(Status.CONSUMED) : EnumSet.of(Status.PUBLISHED, Status.CONSUMED);",
                            "EnumSet.allOf(Status.class);")),
            bug(
                    "a verdict that stands on nothing",
                    340,
                    List.of("recovery", "loss", "attempts", "status", "order"),
                    new Edit(
                            CORE + "internal/jdbc/RowVerdicts.java",
                            "sql.text(\"and {attempts} =\") + \" \" + seen.attempts();",
                            "sql.text(\"and {attempts} >=\") + \" \" + (seen.attempts() - 1000);"),
                    new Edit(
                            CORE + "internal/jdbc/RowVerdicts.java",
                            "seen.generation() == null || !sql",
                            "seen.attempts() >= 0 || !sql")),
            bug(
                    "a receipt that overwrites consumed",
                    110_602,
                    List.of("status", "retention", "recovery"),
                    new Edit(
                            CORE + "internal/jdbc/Refusals.java",
                            "return new Refusals(sql, \"pending, published\");",
                            "return new Refusals(sql, \"pending, published, consumed\");"),
                    new Edit(
                            CORE + "internal/jdbc/RowReceipts.java",
                            "where {status in pending, published, dead} and {id in ids} {skipLocked}",
                            "where {status in pending, published, dead, consumed} and {id in ids} {skipLocked}"),
                    new Edit(
                            CORE + "internal/store/ReceiptTarget.java",
                            "int counted = countedSince(refusal);",
                            "int counted = countedSince(refusal); if (status == Status.CONSUMED) { return new Meaning.Change(); }")),
            bug(
                    "acknowledged before the handler commits",
                    List.of("recovery", "effects in order"),
                    new Edit(
                            CORE + "inbox/Deliveries.java",
                            "        AttemptResult result = handling.handle(",
                            "        attempt.delivery.done();\n        AttemptResult result = handling.handle(")),
            bug(
                    "the inbox's row outside the handler's transaction",
                    List.of("recovery", "loss"),
                    new Edit(
                            INBOX,
                            "            for (String sql : dialect.afterNote(unlimit)) {",
                            "            connection.commit();\n            for (String sql : dialect.afterNote(unlimit)) {"),
                    new Edit(INBOX, "        update(connection, dialect.proveNote(Dialect.NOTE));\n", ""),
                    new Edit(INBOX, "? End.LOST : End.BROKEN;", "? End.ROLLED_BACK : End.BROKEN;")),
            bug(
                    "an inbox that forgets",
                    List.of("effects", "recovery"),
                    new Edit(
                            CORE + "internal/jdbc/InboxTable.java",
                            "return changed == eventIds.size();",
                            "return changed >= 0;")),
            bug(
                    "a sweep that never rests",
                    List.of("statements", "progress"),
                    new Edit(RELAY + "Sweep.java", "nextAt = now + rest;", "nextAt = now;")),
            bug(
                    "a verdict for whatever generation a row has",
                    340,
                    List.of("recovery", "loss"),
                    new Edit(
                            CORE + "internal/jdbc/RowVerdicts.java",
                            "seen.generation() == null || !sql",
                            "seen.attempts() >= 0 || !sql")),
            bug(
                    "a lease that is renewed while its outbox is paused",
                    200_160,
                    List.of("pause"),
                    new Edit(
                            LEASES,
                            "and epoch = ? and paused_by is null\n                    \"\"\"",
                            "and epoch = ?\n                    \"\"\""),
                    new Edit(PUMP, "                && !lease.isReleasing()", "                //")),
            bug(
                    "a mass change that takes its events twice",
                    615_810,
                    List.of("audit", "crash"),
                    new Edit(
                            CORE + "internal/jdbc/RowOperatorStore.java",
                            "audit.done(connection, name, change.id(), ids);",
                            "Set.of();")),
            bug(
                    "a change without its audit",
                    List.of("audit"),
                    new Edit(
                            CORE + "internal/jdbc/RowOperatorStore.java",
                            "            audit.add(connection, change, action, name, kept);\n",
                            "")));
}
