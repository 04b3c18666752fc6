package dev.posthaste.reliability.planted;

import dev.posthaste.reliability.planted.PlantedBug.Edit;
import java.util.List;

/**
 * Reintroduces what two audits found in November 2026; names begin with the finding's number. Bounds that took
 * thousands of events to reach are lower here, so that one run reaches them.
 */
final class AuditBugs {
    private static final String CORE = "posthaste-core/src/main/java/dev/posthaste/";
    private static final String RELAY = "posthaste-relay/src/main/java/dev/posthaste/relay/";
    private static final String GAPS = RELAY + "Gaps.java";
    private static final String PUMP = RELAY + "Pump.java";
    private static final String READER = RELAY + "Reader.java";
    private static final String DEAD_EVENTS = RELAY + "DeadEvents.java";
    private static final String SWEEP = RELAY + "Sweep.java";
    private static final String DELIVERIES = CORE + "inbox/Deliveries.java";
    private static final String BLAME = CORE + "inbox/Blame.java";

    private AuditBugs() {}

    private static PlantedBug bug(String name, long seed, List<String> checkers, Edit... edits) {
        return new PlantedBug(name, seed, checkers, List.of(edits));
    }

    static final List<PlantedBug> ALL = List.of(
            bug(
                    "F3a gaps above a number are forgotten",
                    103_900,
                    List.of("order"),
                    new Edit(GAPS, "MAX_RANGES = 2_000;", "MAX_RANGES = 8;"),
                    new Edit(
                            GAPS,
                            "                mergeNeighbours();\n",
                            "                ranges.pollFirstEntry();\n")),
            bug(
                    "F3b a gap check reads the 500 highest ids only",
                    1_485,
                    List.of("order"),
                    new Edit(RELAY + "GapCheck.java", "List<IdRange> ranges = gaps.ranges();", """
                            List<IdRange> ranges = new ArrayList<>();
                            long left = 500;
                            List<IdRange> all = gaps.ranges();
                            for (int i = all.size() - 1; i >= 0 && left > 0; i--) {
                                IdRange each = all.get(i);
                                long first = Math.max(each.first(), each.last() - left + 1);
                                left -= each.last() - first + 1;
                                ranges.add(0, new IdRange(first, each.last()));
                            }
                            """)),
            bug(
                    "F4 an Error of a handler leaves its delivery unanswered",
                    0,
                    List.of("recovery"),
                    new Edit(
                            CORE + "inbox/OwnDatabase.java",
                            "        } catch (Throwable e) {\n            return failed(work, first, transaction, e);",
                            "        } catch (Error e) {\n            transaction.close();\n            throw e;\n"
                                    + "        } catch (Exception e) {\n            return failed(work, first, transaction, e);"),
                    new Edit(CORE + "inbox/MessageHandling.java", "return new AttemptResult.Postponed(e);", "throw e;"),
                    new Edit(
                            DELIVERIES,
                            "answering.later(attempt, \"an attempt at it failed unexpectedly\", e);",
                            "if (e instanceof Exception) { answering.later(attempt, \"an attempt at it failed unexpectedly\", e); }")),
            bug(
                    "F5 nobody proves that a transaction is still the note's",
                    0,
                    List.of("effects"),
                    new Edit(
                            CORE + "internal/jdbc/InboxTransaction.java",
                            "        update(connection, dialect.proveNote(Dialect.NOTE));\n",
                            "")),
            bug(
                    "F6 a lease is renewed for a thread that hangs",
                    0,
                    List.of("recovery"),
                    new Edit(RELAY + "Leases.java", "if (!lease.workedOnWithin(patience())) {", "if (stopping) {")),
            bug(
                    "F6 a listener that throws ends the thread that works on the outbox",
                    0,
                    List.of("progress"),
                    new Edit(
                            RELAY + "RelayListeners.java",
                            "} catch (Throwable e) {",
                            "} catch (IllegalStateException e) {")),
            bug(
                    "F7 a driver is sent everything that fits by number",
                    0,
                    List.of("memory"),
                    new Edit(
                            CORE + "internal/jdbc/EventRow.java",
                            "MAX_INLINE_BYTES = 16 * 1024;",
                            "MAX_INLINE_BYTES = 1 << 30;")),
            bug(
                    "F12 keys that the database holds equal block for one of them",
                    38_900,
                    List.of("order"),
                    new Edit(
                            CORE + "internal/jdbc/DeadRows.java",
                            "select {id}, {key} from {table:dead}",
                            "select min({id}) as id, {key} from {table:dead}"),
                    new Edit(
                            CORE + "internal/jdbc/DeadRows.java",
                            "{key} <> '' and {position} > ?\n",
                            "{key} <> '' and {position} > ? group by {key}\n")),
            bug(
                    "F11 the verdict on a locked row is forgotten",
                    0,
                    List.of("duplicates"),
                    new Edit(
                            RELAY + "VerdictQueue.java",
                            "if (lockedIds.contains(verdict.id())) {",
                            "if (lockedIds.contains(Long.MIN_VALUE)) {")),
            bug(
                    "F13 some keys that wait stop all fresh events",
                    0,
                    List.of("recovery"),
                    new Edit(
                            RELAY + "KeyGate.java",
                            "return waiting.size() >= maxKeys;",
                            "return waiting.size() >= Math.min(maxKeys, 12);")),
            bug(
                    "F14 no more than some dead events block their keys",
                    6_270,
                    List.of("order"),
                    new Edit(DEAD_EVENTS, "PAGE = 5000;", "PAGE = 1;"),
                    new Edit(DEAD_EVENTS, "boolean roundOver = dead.size() < PAGE;", "boolean roundOver = true;")),
            bug(
                    "F17 the server does not end a consumer that is gone",
                    0,
                    List.of("recovery"),
                    new Edit(
                            CORE + "internal/jdbc/PostgreSqlDialect.java",
                            "set_config('idle_in_transaction_session_timeout', '%ds', true)",
                            "set_config('posthaste.silence', '%ds', true)")),
            bug(
                    "F17 waiting for another process's note counts as an attempt",
                    0,
                    List.of("attempts"),
                    new Edit(
                            BLAME,
                            "            return new AttemptResult.Postponed(e);\n        }\n        Throwable fault = database.fault();\n        if",
                            "            return new AttemptResult.Failed(e, HandlerOptions.none());\n        }\n"
                                    + "        Throwable fault = database.fault();\n        if")),
            bug(
                    "F18 ids below 1 are not read",
                    0,
                    List.of("recovery", "order"),
                    new Edit(READER, "private long highest = Long.MIN_VALUE;", "private long highest = 0;"),
                    new Edit(SWEEP, "private long from = Long.MIN_VALUE;", "private long from = 0;"),
                    new Edit(
                            SWEEP,
                            "from = Long.MIN_VALUE;\n            lastRoundWork",
                            "from = 0;\n            lastRoundWork")),
            bug(
                    "F20 attempts are counted while the consumer's database is away",
                    0,
                    List.of("attempts"),
                    new Edit(
                            BLAME,
                            "            return new AttemptResult.Unavailable(fault);\n        }\n        return InboxTransactions.isRefused(e)",
                            "            return new AttemptResult.Failed(fault, HandlerOptions.none());\n        }\n"
                                    + "        return InboxTransactions.isRefused(e)")),
            bug(
                    "G1 one consumer's receipt speaks for all of a local broker",
                    145,
                    List.of("loss"),
                    new Edit(
                            CORE + "broker/LocalBroker.java",
                            "receivers.size() == 1 ? message",
                            "receivers.size() > 0 ? message")),
            bug(
                    "G2 a refusal that no row tells of is no dead letter",
                    800,
                    List.of("refused"),
                    new Edit(
                            CORE + "inbox/Answering.java",
                            "            return false;\n        }\n        return reported instanceof",
                            "            return true;\n        }\n        return reported instanceof")),
            bug(
                    "G7 a dead event stays dead when it was handled after all",
                    0,
                    List.of("recovery", "receipt"),
                    new Edit(
                            CORE + "internal/jdbc/RowReceipts.java",
                            "where {status in pending, published, dead} and {id} = ?",
                            "where {status in pending, published} and {id} = ?"),
                    new Edit(
                            CORE + "internal/jdbc/RowReceipts.java",
                            "where {status in pending, published, dead} and {id in ids}\n",
                            "where {status in pending, published} and {id in ids}\n"),
                    new Edit(
                            CORE + "internal/jdbc/RowReceipts.java",
                            "where {status in pending, published, dead} and {id in ids} {skipLocked}",
                            "where {status in pending, published} and {id in ids} {skipLocked}"),
                    new Edit(
                            CORE + "internal/store/ReceiptTarget.java",
                            "row.status != null && row.status != Status.CONSUMED;",
                            "row.status != null && row.status != Status.CONSUMED && row.status != Status.DEAD;")),
            bug(
                    "G12 a refusal that comes twice is counted twice",
                    9_630,
                    List.of("attempts"),
                    new Edit(
                            CORE + "internal/store/ReceiptTarget.java",
                            "        Integer seenGeneration = refusal.seenGeneration();\n",
                            "        Integer seenGeneration = null;\n")),
            bug(
                    "G3 a format's exception ends the thread that works on the outbox",
                    0,
                    List.of("progress"),
                    new Edit(
                            RELAY + "internal/OutgoingMessage.java",
                            "} catch (Throwable e) { // also what a format throws for a message that nests too deep",
                            "} catch (IllegalArgumentException e) {")),
            bug(
                    "G4 a text that the table refuses stops all that is settled with it",
                    0,
                    List.of("recovery"),
                    new Edit(
                            CORE + "internal/jdbc/RowStore.java",
                            "if (!SqlErrors.isRefused(e.getCause())) {",
                            "if (e.getCause() != null) {")),
            bug(
                    "G7 a consumer's silence counts as an attempt",
                    660,
                    List.of("attempts"),
                    new Edit(
                            CORE + "internal/jdbc/UnconsumedRows.java",
                            "{next-attempt-at} = {at once}",
                            "{next-attempt-at} = {at once}, {attempts} = {attempts} + 1")),
            bug(
                    "G8 connections to a server that became read-only stay in the pool",
                    0,
                    List.of("recovery"),
                    new Edit(
                            CORE + "internal/jdbc/JdbcTransactions.java",
                            "    static void discard(Connection connection) {\n",
                            "    static void discard(Connection connection) {\n        if (connection != null) {\n"
                                    + "            return;\n        }\n")),
            bug(
                    "G20 relays that do not agree delete all the same",
                    9_780,
                    List.of("retention"),
                    new Edit(RELAY + "Leases.java", "lease.dispute(other);", "lease.dispute(null);")));
}
