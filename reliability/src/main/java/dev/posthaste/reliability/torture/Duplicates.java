package dev.posthaste.reliability.torture;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Compares the events that consumers received more than once with what explains them, however long an outage lasts.
 *
 * <p>A relay sends an event again if the broker did not answer, and each time that is counted. There are at most two
 * windows of those: while answers are missing, the window is halved, and halved again, and then single events probe.
 * Events that were at the broker, or acknowledged but not settled, are sent again when another relay takes over: at
 * most a window, a batch that is being settled and one that waits for it. A consumer's broker redelivers what the
 * consumer has not acknowledged, and an attempt that did not learn of its own commit is repeated. Nothing else may
 * arrive twice.
 */
final class Duplicates {
    private static final Reasons NONE = new Reasons(0, 0, 0, 0);

    private final Testbed stage;
    private long seen;
    private Reasons counted = NONE;
    private Reasons before = NONE;
    private long most;

    Duplicates(Testbed stage) {
        this.stage = stage;
    }

    /**
     * Why events may arrive again.
     *
     * @param faults the number of faults; each may have cut off every consumer once
     * @param unanswered events that the broker did not answer
     * @param taken how often a relay took over the outbox
     * @param silent events that are published again because their consumer sent no receipt for a minute
     */
    record Reasons(long faults, long unanswered, long taken, long silent) {
        Reasons minus(Reasons other) {
            return new Reasons(
                    faults - other.faults, unanswered - other.unanswered, taken - other.taken, silent - other.silent);
        }

        Reasons plus(Reasons other) {
            return new Reasons(
                    faults + other.faults, unanswered + other.unanswered, taken + other.taken, silent + other.silent);
        }

        /** The most duplicates that they explain. */
        long explain(Setup setup) {
            return unanswered + silent + taken * (window() + 2L * RelayProcess.BATCH) + faults * atConsumers(setup);
        }
    }

    private static long window() {
        return RelayProcess.WINDOW;
    }

    private static long atConsumers(Setup setup) {
        return switch (setup.wire()) {
            // As many again may be on their way while a prefetch is lowered. One consumer is served at a time.
            case RABBITMQ -> 2 * ConsumerProcess.PREFETCH + ConsumerProcess.threads(setup);
            case KAFKA -> (long) Testbed.PARTITIONS * ConsumerProcess.PREFETCH + 3L * ConsumerProcess.threads(setup);
            case LOCAL -> 3L * ConsumerProcess.threads(setup);
        };
    }

    /**
     * Counts the duplicates since the last call. What one fault caused to be sent again may still be on its way when
     * the next one happens, so the reasons of both count.
     *
     * @param faults the number of faults since then
     * @param late whether these faults only delayed answers, which a relay should wait for
     * @return null, or what is wrong
     */
    @Nullable
    String after(int faults, boolean late) throws IOException {
        long came = sum(ConsumerProcess.DUPLICATES) - seen;
        seen += came;
        most = Math.max(most, came);
        Reasons all = new Reasons(
                counted.faults() + faults,
                sum(RelayHistory.UNANSWERED),
                sum(RelayHistory.TAKEN),
                sum(RelayHistory.SILENT));
        Reasons now = all.minus(counted);
        counted = all;
        String wrong = late ? givenUp(now, before) : null;
        if (wrong == null) {
            wrong = excess(came, now, before, stage.setup);
        }
        before = now;
        return wrong;
    }

    private long sum(String sign) throws IOException {
        Path home = stage.setup.home();
        return VitalSigns.lastOfAll(home, sign).values().stream()
                .mapToLong(Long::longValue)
                .sum();
    }

    /** Only if none were given up on after the previous fault: others of those may still be on their way. */
    static @Nullable String givenUp(Reasons now, Reasons before) {
        return now.unanswered() == 0 || before.unanswered() > 0
                ? null
                : now.unanswered() + " events were given up on although their answers were only late";
    }

    static @Nullable String excess(long came, Reasons now, Reasons before, Setup setup) {
        long explained = now.plus(before).explain(setup);
        if (came > explained) {
            return came + " events arrived again, but " + now + " and " + before + " before that explain only "
                    + explained;
        }
        return now.unanswered() <= now.faults() * 2 * window()
                ? null
                : now.unanswered() + " events were not answered, which is more than two windows for each fault";
    }

    /** Checks a whole campaign's duplicates, as counted in a topic that was read to its end. */
    @Nullable
    String inAll(long came) {
        return excess(came, counted, NONE, stage.setup);
    }

    /** The most duplicates between two calls. */
    long most() {
        return most;
    }
}
