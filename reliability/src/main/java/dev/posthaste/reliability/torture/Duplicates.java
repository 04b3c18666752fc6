package dev.posthaste.reliability.torture;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Holds the events that came to consumers more than once against what explains them, however long an outage lasts.
 *
 * <p>A relay sends an event again when the broker gave no answer, and each time that is counted. There are at most two
 * windows of those: while answers stay out the window is halved, and halved again, and then single events probe. What was
 * with the broker, or acknowledged and not settled, is sent again when another relay takes over: at most a window, a batch
 * that is being settled and one that waits for it. A consumer's broker delivers again what was with the consumer and is not
 * acknowledged, and an attempt that did not hear of its own commit is made again. Nothing else may come twice.
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
     * Why events may come again.
     *
     * @param faults how many were done; each may have cut off every consumer once
     * @param unanswered events of which the broker said nothing
     * @param taken how often a relay took the outbox
     * @param silent events that are published again because their consumer says nothing for a minute
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
            // As much again may be on its way while a prefetch is lowered. One consumer is served at a time.
            case RABBITMQ -> 2 * ConsumerProcess.PREFETCH + ConsumerProcess.threads(setup);
            case KAFKA -> (long) Testbed.PARTITIONS * ConsumerProcess.PREFETCH + 3L * ConsumerProcess.threads(setup);
            case LOCAL -> 3L * ConsumerProcess.threads(setup);
        };
    }

    /**
     * Counts what came twice since the last time. What one fault had sent again may still be on its way when the next is
     * done, so the reasons of both count.
     *
     * @param faults how many were done meanwhile
     * @param late whether they only had answers come late, which a relay is to wait for
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

    /** Unless some were already given up after what was done before: others of those may still be on their way. */
    static @Nullable String givenUp(Reasons now, Reasons before) {
        return now.unanswered() == 0 || before.unanswered() > 0
                ? null
                : now.unanswered() + " events were given up whose answers were only late";
    }

    static @Nullable String excess(long came, Reasons now, Reasons before, Setup setup) {
        long explained = now.plus(before).explain(setup);
        if (came > explained) {
            return came + " events came again, and " + now + " and " + before + " before that explain " + explained;
        }
        return now.unanswered() <= now.faults() * 2 * window()
                ? null
                : now.unanswered() + " events were not answered, which is more than two windows for each fault";
    }

    /** All of a campaign, as a topic shows it that was read to its end. */
    @Nullable
    String inAll(long came) {
        return excess(came, counted, NONE, stage.setup);
    }

    /** The most that came twice between two times. */
    long most() {
        return most;
    }
}
