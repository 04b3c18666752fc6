package dev.posthaste.reliability.simulation;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.reliability.simulation.Transaction.Change;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Checks what replays send: only what was published, each key in the order of its rows, no faster than configured,
 * nothing once they are over, and all of it by then.
 */
final class Replayed {
    private static final long SECOND = 1_000_000_000L;
    /** A replay may catch up on 50 ms of oversleeping, and on the event that it sent late. */
    private static final double MORE = 1.05;

    private final Schedule schedule;
    private final Oracle truth;
    private final Map<String, Run> runs = new HashMap<>();

    /** One change id, whichever process works on it. */
    private static final class Run {
        final Set<String> acknowledged = new HashSet<>();
        boolean over;
    }

    /**
     * One process's work on it: the last row that it sent of each key, all that it sent, and when within the last
     * second.
     */
    static final class Attempt {
        private final int perSecond;
        private final Map<String, Long> last = new HashMap<>();
        private final Set<String> sent = new HashSet<>();
        private final ArrayDeque<Long> times = new ArrayDeque<>();

        /** @param perSecond how many events it may send */
        Attempt(int perSecond) {
            this.perSecond = perSecond;
        }
    }

    Replayed(Schedule schedule, Oracle truth) {
        this.schedule = schedule;
        this.truth = truth;
    }

    private Run run(String change) {
        return runs.computeIfAbsent(change, id -> new Run());
    }

    /** The audit records a replay's progress. */
    void audited(Change change) {
        String detail = String.valueOf(change.after("detail"));
        if ("replay".equals(change.after("action"))
                && (detail.startsWith("finished:") || detail.startsWith("cancelled:"))) {
            run((String) Objects.requireNonNull(change.after("change_id"))).over = true;
        }
    }

    void sent(Node node, Message message, Attempt attempt) {
        String id = Objects.requireNonNull(message.headers().get(MessageHeaders.REPLAY));
        Run run = run(id);
        Fate fate = truth.fates().get(message.eventId());
        truth.require(!run.over, "replay", "%s sent %s for %s, which is over", node, fate.event, id);
        truth.require(fate.arrived, "replay", "%s sent %s for %s, but it was never published", node, fate.event, id);
        if (fate.key != null) {
            Long last = attempt.last.put(fate.key, fate.row);
            truth.require(
                    last == null || last <= fate.row,
                    "replay",
                    "%s sent row %d for %s after row %d of the same key",
                    node,
                    fate.row,
                    id,
                    last);
        }
        if (attempt.sent.add(fate.event)) {
            ArrayDeque<Long> times = attempt.times;
            times.add(schedule.now());
            while (times.getFirst() <= schedule.now() - SECOND) {
                times.removeFirst();
            }
            truth.require(
                    times.size() <= attempt.perSecond * MORE + 2,
                    "replay",
                    "%s sent %d events in a second for %s, which may send %d",
                    node,
                    times.size(),
                    id,
                    attempt.perSecond);
        }
    }

    void acknowledged(Message message) {
        run(message.headers().getOrDefault(MessageHeaders.REPLAY, ""))
                .acknowledged
                .add(message.eventId());
    }

    /**
     * A replay reports that it is finished.
     *
     * @param due the row of each event that was to be sent when it began; excludes rows changed or replaced since
     * @param failed how many it could not send
     */
    void finished(String change, Map<String, Fate.Seen> due, long failed) {
        Run run = run(change);
        truth.require(run.over, "replay", "%s is finished, but the audit does not say so", change);
        long missing = due.entrySet().stream()
                .filter(each -> truth.fates().get(each.getKey()).seen().equals(each.getValue())
                        && !run.acknowledged.contains(each.getKey()))
                .peek(each -> schedule.happened("%s was not replayed", each.getKey()))
                .count();
        truth.require(
                missing <= failed,
                "replay",
                "%s is finished and could not send %d events, but left out %d",
                change,
                failed,
                missing);
    }
}
