package dev.posthaste.reliability.planted;

import dev.posthaste.reliability.planted.PlantedBug.Edit;
import java.util.List;

/** Bugs that the simulation does not show, but the campaign's checkers do. */
final class CampaignBugs {
    private static final String CORE = "posthaste-core/src/main/java/dev/posthaste/";
    private static final String RELAY = "posthaste-relay/src/main/java/dev/posthaste/relay/";
    private static final String RABBIT = "posthaste-rabbitmq/src/main/java/dev/posthaste/rabbitmq/";
    private static final String KAFKA = "posthaste-kafka/src/main/java/dev/posthaste/kafka/";
    private static final String READER = RELAY + "Reader.java";
    private static final String SETTLEMENT = RELAY + "Settlement.java";

    /** At the time of the audits, missing answers did not stop a relay from sending. */
    private static final Edit NO_BREAKER = new Edit(
            RELAY + "Destination.java",
            "boolean answersOthers = everAnswered && answeredAt - dispatchedAt > 0;",
            "boolean answersOthers = true;");

    private CampaignBugs() {}

    private static PlantedBug bug(String name, List<String> checkers, Edit... edits) {
        return new PlantedBug(name, 0, checkers, List.of(edits));
    }

    static final List<PlantedBug> ALL = List.of(
            bug(
                    "G5 aborted transactions are read",
                    List.of("phantom"),
                    new Edit(
                            KAFKA + "ClientProperties.java",
                            "\"isolation.level\", \"read_committed\"",
                            "\"isolation.level\", \"read_uncommitted\"")),
            bug(
                    "a return ignored",
                    List.of("loss", "trace"),
                    new Edit(
                            RABBIT + "ExchangeChannel.java",
                            "        if (returned == null) {",
                            "        if (returned == null || ack) {")),
            bug(
                    "everything published twice",
                    List.of("duplicates"),
                    new Edit(
                            SETTLEMENT,
                            "        if (outcome instanceof Outcome.Acknowledged acknowledged) {\n",
                            "        if (outcome instanceof Outcome.Acknowledged acknowledged) {\n"
                                    + "            if (resends == 0) {\n"
                                    + "                return new Decision.SendAgain(Duration.ZERO);\n"
                                    + "            }\n")),
            bug(
                    "dead events not counted",
                    List.of("metrics", "console"),
                    new Edit(
                            CORE + "internal/jdbc/RowStore.java",
                            "                    found.dead(),\n",
                            "                    0,\n")),
            bug(
                    "a sweep once a minute",
                    List.of("requeue"),
                    new Edit(RELAY + "Sweep.java", " GAP_NANOS = 100_000_000L;", " GAP_NANOS = 60_000_000_000L;")),
            bug(
                    "an outbox polled without rest",
                    List.of("statements"),
                    new Edit(
                            READER,
                            "            pollNanos = Math.min(pollNanos * 2, settings.pollCeiling().toNanos());\n"
                                    + "            nextFetchAt = now + pollNanos;\n",
                            "            nextFetchAt = now;\n")),
            bug(
                    "a lease kept for a worker that is gone",
                    List.of("leases", "recovery"),
                    new Edit(
                            RELAY + "Leases.java",
                            "if (!lease.workedOnWithin(patience())) {",
                            "if (lease.claim() == null) {"),
                    new Edit(
                            RELAY + "OutboxWorker.java",
                            "            } catch (Throwable e) { // whatever a driver, a format or a lack of memory throws\n"
                                    + "                failed(e);\n",
                            "            } catch (Throwable e) {\n                return;\n"),
                    new Edit(
                            RELAY + "OutboxWorker.java",
                            "                parts.listener().databaseFailed(parts.outbox().name(), e);\n"
                                    + "                pause(backoff);\n",
                            "                if (backoff > 0) {\n                    throw e;\n                }\n")),
            // --- Reintroduced findings of the audits -----------------------------------------------------------------
            bug(
                    "F1 a message that the client refuses shifts the confirms of others",
                    List.of("loss", "trace", "recovery"),
                    new Edit(RABBIT + "RabbitMessages.java", "return size <= frameMax\n", "return size > 0\n"),
                    new Edit(
                            RABBIT + "ExchangeChannel.java",
                            "retire(\"the client failed to send another message: \" + cause);",
                            "answerAll(Outcome.unknown(String.valueOf(cause)));"),
                    NO_BREAKER),
            bug(
                    "F2 a message that closes the channel is sent for ever",
                    List.of("recovery"),
                    new Edit(
                            RABBIT + "RabbitMessages.java",
                            "if (message.headers().containsKey(reserved)) {",
                            "if (reserved.isEmpty()) {"),
                    new Edit(
                            RABBIT + "ExchangeChannel.java",
                            "            if (outstanding.size() == 1) {",
                            "            if (outstanding.size() == 1 && (code == AMQP.NOT_FOUND || code == AMQP.ACCESS_REFUSED)) {"),
                    new Edit(
                            RABBIT + "ExchangeChannel.java",
                            "suspectAll(Suspects.Scope.CHANNEL, \"RabbitMQ closed the channel: \" + text);",
                            "answerAll(Outcome.unknown(text));"),
                    NO_BREAKER),
            bug(
                    "F8 settling reads the whole backlog",
                    List.of("settling", "leases", "recovery", "calm"),
                    new Edit(
                            CORE + "internal/jdbc/Dialect.java",
                            "String text = \"(\" + column + \" || '')\";",
                            "String text = column;")),
            bug(
                    "F16 a missing exchange rejects what it had taken before",
                    List.of("attempts"),
                    new Edit(
                            RABBIT + "ExchangeChannel.java",
                            "        if (guilty == null) {\n            suspectAll(",
                            "        if (code == AMQP.NOT_FOUND) {\n"
                                    + "            answerAll(Outcome.rejected(\"RabbitMQ refused it: \" + text));\n"
                                    + "        } else if (guilty == null) {\n            suspectAll(")),
            bug(
                    "F21 a connection whose confirms are late is given up",
                    List.of("duplicates"),
                    new Edit(
                            RABBIT + "RabbitSettings.java",
                            "return confirmTimeout.multipliedBy(3);",
                            "return confirmTimeout;"),
                    new Edit(
                            RABBIT + "RabbitSettings.java",
                            "return confirmTimeout.multipliedBy(15);",
                            "return confirmTimeout;"),
                    new Edit(RABBIT + "Patience.java", "probing = true;", "probing = false;")),
            bug(
                    "G13 what an old relay does not know is dead at once",
                    List.of("attempts"),
                    new Edit(
                            RELAY + "internal/OutgoingMessage.java",
                            "notAllowed(message.destination(), outbox), false);",
                            "notAllowed(message.destination(), outbox), true);")),
            bug(
                    "G19 a throttled client gets all that there is",
                    List.of("duplicates"),
                    new Edit(
                            KAFKA + "InFlightWindow.java",
                            "if (bytes + size > limit) {",
                            "if (bytes + size > MAX_BYTES) {"),
                    new Edit(
                            KAFKA + "InFlightWindow.java",
                            "return !alone && !oldest.alone && now - oldest.at <= (slow ? TRAIN_NANOS : QUICK_NANOS);",
                            "return !alone && !oldest.alone;"),
                    new Edit(
                            RELAY + "Destination.java",
                            "return paced ? (int) Math.min(mostEvents, shifted(FIRST_EVENTS)) : mostEvents;",
                            "return mostEvents;"),
                    new Edit(
                            RELAY + "Destination.java",
                            "return paced ? shifted(FIRST_BYTES) : Long.MAX_VALUE;",
                            "return Long.MAX_VALUE;"),
                    NO_BREAKER),
            // --- For each checker that no other bug triggers ---------------------------------------------------------
            bug(
                    "a message kept for ever",
                    List.of("heap"),
                    new Edit(
                            CORE + "inbox/Deliveries.java",
                            "    private final DatabaseGate gate;\n",
                            "    private final DatabaseGate gate;\n"
                                    + "    private final java.util.Queue<Message> seen = new java.util.concurrent.ConcurrentLinkedQueue<>();\n"),
                    new Edit(
                            CORE + "inbox/Deliveries.java",
                            "            hear(each -> each.handled(inbox, message, took));\n",
                            "            hear(each -> each.handled(inbox, message, took));\n            seen.add(message);\n")),
            bug(
                    "a thread that nobody ends",
                    List.of("threads"),
                    new Edit(
                            RELAY + "RelayThreads.java",
                            "            its.measure(worker.blockedKeys(), worker.waitingKeys());\n",
                            "            its.measure(worker.blockedKeys(), worker.waitingKeys());\n"
                                    + "            thread(() -> sleep(Long.MAX_VALUE), \"housekeeping\").start();\n")),
            bug(
                    "a duplicate given up as a failure",
                    List.of("trace"),
                    new Edit(
                            CORE + "inbox/Deliveries.java",
                            "            hear(each -> each.duplicate(inbox, message));\n            answering.answer(attempt, answering.handled(message));\n",
                            "            hear(each -> each.duplicate(inbox, message));\n"
                                    + "            Throwable again = new IllegalStateException(\"it came again\");\n"
                                    + "            answering.giveUp(attempt, Failure.of(inbox, \"it came again\").cause(again), false);\n")));
}
