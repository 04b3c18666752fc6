package dev.posthaste.reliability.planted;

import dev.posthaste.reliability.planted.PlantedBug.Edit;
import java.util.List;

/** The list. */
final class PlantedBugs {
    private static final String CORE = "posthaste-core/src/main/java/dev/posthaste/";
    private static final String RELAY = "posthaste-relay/src/main/java/dev/posthaste/relay/";
    private static final String GATE = RELAY + "KeyGate.java";
    private static final String PUMP = RELAY + "Pump.java";
    private static final String READER = RELAY + "Reader.java";
    private static final String SETTLEMENT = RELAY + "Settlement.java";
    private static final String INBOX = CORE + "jdbc/InboxTransaction.java";
    private static final String LEASES = CORE + "jdbc/LeaseTable.java";

    private PlantedBugs() {}

    private static PlantedBug bug(String name, List<String> checkers, Edit... edits) {
        return new PlantedBug(name, 0, checkers, List.of(edits));
    }

    /** One that seldom shows. */
    private static PlantedBug bug(String name, long seed, List<String> checkers, Edit... edits) {
        return new PlantedBug(name, seed, checkers, List.of(edits));
    }

    /** What only a real server shows. */
    static final List<PlantedBug> IN_CAMPAIGN = List.of(bug(
            "a return ignored",
            List.of("loss"),
            new Edit(
                    "posthaste-rabbitmq/src/main/java/dev/posthaste/rabbitmq/ExchangeLane.java",
                    "        if (returned == null) {",
                    "        if (returned == null || ack) {")));

    static final List<PlantedBug> ALL = List.of(
            bug(
                    "a bare id cursor",
                    List.of("recovery", "order"),
                    new Edit(READER, "wake() + walk() + fresh() + patrol();", "wake() + walk() + fresh();"),
                    new Edit(READER, "came += lookBehind(came > 0);", "")),
            bug(
                    "nobody looks behind before handing over",
                    List.of("order"),
                    new Edit(READER, "came += lookBehind(came > 0);", "")),
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
                            GATE,
                            "        lane.inFlight = true;\n",
                            "        lane.queue.pollFirst();\n        readyIfPossible(lane);\n"),
                    new Edit(
                            GATE,
                            "return answered.lane.inFlight && answered.lane.queue.peekFirst() == answered;",
                            "return true;"),
                    new Edit(GATE, "        lane.queue.pollFirst();\n        lane.inFlight = false;\n", ""),
                    new Edit(GATE, "        again.resends++;\n", "        lane.queue.addFirst(again);\n")),
            bug(
                    "what timed out is passed by",
                    List.of("order"),
                    new Edit(
                            PUMP,
                            "            gate.again(held, now + again.after().toNanos(), now);\n",
                            "            gate.done(held, now);\n            gate.settled(List.of(held.event.id()));\n")),
            bug(
                    "a key goes on before a death is written down",
                    99_626,
                    List.of("order"),
                    new Edit(PUMP, "dying.put(held.event.id(), held);", "gate.done(held, now);")),
            bug(
                    "keys that wait for an operator never looked at again",
                    874,
                    List.of("order", "recovery"),
                    new Edit(READER, "            readDeadEvents();\n", "            deadKeysKnown = true;\n")),
            bug(
                    "settling without the epoch",
                    23,
                    List.of("epoch"),
                    new Edit(
                            CORE + "jdbc/StatusJournal.java",
                            "if (!leases.holds(connection, claim)) {",
                            "if (claim.epoch() < 0) {")),
            bug(
                    "leases by the client's clock",
                    List.of("lease", "epoch"),
                    new Edit(
                            LEASES,
                            "return dialect.sql(template.replace(\"posthaste_\", prefix + \"posthaste_\"));",
                            "return dialect.sql(template).replace(\"clock_timestamp()\", \"local_clock()\").replace(\"now()\", \"local_clock()\");")),
            bug(
                    "taking over without compare-and-set",
                    702,
                    List.of("lease", "epoch"),
                    new Edit(
                            LEASES,
                            "where outbox = ? and owner = ? and epoch = ? and (owner = '' or expires_at <= {now})",
                            "where outbox = ? and (owner = ? or epoch >= ? or epoch >= 0)")),
            bug(
                    "marked before it is acknowledged",
                    List.of("loss"),
                    new Edit(
                            PUMP,
                            "parts.broker().publish(message, outcome -> news.add(new News.Answer(held, outcome)));",
                            "news.add(new News.Answer(held, Outcome.ACKNOWLEDGED)); parts.broker().publish(message, outcome -> {});")),
            bug(
                    "a timeout taken for not written",
                    List.of("attempts"),
                    new Edit(
                            SETTLEMENT,
                            "if (outcome instanceof Outcome.Unknown) {",
                            "if (outcome instanceof Outcome.Unknown && event.id() > 0) { return new Decision.Write(rejected(event, new Outcome.Rejected(\"timeout\", false), retry, random)); }\n        if (outcome instanceof Outcome.Unknown) {")),
            bug(
                    "attempts counted while the broker is away",
                    List.of("attempts"),
                    new Edit(
                            SETTLEMENT,
                            "return new Decision.SendAgain(Duration.ZERO); // unavailable: the breaker says when",
                            "return new Decision.Write(rejected(event, new Outcome.Rejected(\"away\", false), retry, random));")),
            bug(
                    "retention by age alone",
                    List.of("retention"),
                    new Edit(
                            RELAY + "Retention.java",
                            "outbox.tracked() ? EnumSet.of(Status.CONSUMED) : EnumSet.of(Status.PUBLISHED, Status.CONSUMED);",
                            "EnumSet.allOf(Status.class);")),
            bug(
                    "a verdict that stands on nothing",
                    2_247,
                    List.of("recovery", "loss", "attempts", "status", "order"),
                    new Edit(
                            CORE + "jdbc/OutboxStatements.java",
                            "name(Column.ATTEMPTS) + \" = %d\"",
                            "name(Column.ATTEMPTS) + \" >= %d - 1000\"")),
            bug(
                    "a receipt that overwrites consumed",
                    110_602,
                    List.of("status", "retention", "recovery"),
                    new Edit(
                            CORE + "jdbc/OutboxStatements.java",
                            "return isById(Status.PENDING, Status.PUBLISHED);",
                            "return isById(Status.PENDING, Status.PUBLISHED, Status.CONSUMED);"),
                    new Edit(
                            CORE + "jdbc/OutboxStatements.java",
                            "receiptColumns() + \" where \" + isNotConsumed()",
                            "receiptColumns() + \" where \" + isById(Status.PENDING, Status.PUBLISHED, Status.DEAD,"
                                    + " Status.CONSUMED)"),
                    new Edit(
                            CORE + "jdbc/ReceiptRow.java",
                            "int counted = countedSince(refusal);",
                            "int counted = countedSince(refusal); if (status == Status.CONSUMED) { return new Meaning.Change(); }")),
            bug(
                    "acknowledged before the handler commits",
                    List.of("recovery", "effects in order"),
                    new Edit(
                            CORE + "inbox/Consumer.java",
                            "        Inbox.Result result = inbox.handle(message);\n",
                            "        attempt.delivery.done();\n        Inbox.Result result = inbox.handle(message);\n")),
            bug(
                    "the inbox's row outside the handler's transaction",
                    List.of("recovery", "truth"),
                    new Edit(
                            INBOX,
                            "            for (String sql : dialect.afterNote(unlimit)) {",
                            "            connection.commit();\n            for (String sql : dialect.afterNote(unlimit)) {"),
                    new Edit(INBOX, "        update(dialect.proveNote());\n", ""),
                    new Edit(INBOX, "? End.LOST : End.BROKEN;", "? End.ROLLED_BACK : End.BROKEN;")),
            bug(
                    "an inbox that forgets",
                    List.of("effects", "recovery"),
                    new Edit(CORE + "jdbc/InboxTable.java", "return changed == 1;", "return changed >= 0;")));
}
