package dev.posthaste.server;

import dev.posthaste.admin.LeaseState;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.text.DurationText;
import dev.posthaste.server.config.Config.OutboxConfig;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What is wrong with an outbox, in words; the worst first.
 *
 * @param level of the worst of them
 */
public record Diagnosis(Level level, List<String> words) {
    private static final Duration LONG_TRANSACTION = Duration.ofMinutes(1);

    /** How bad it is. */
    public enum Level {
        UP,
        /** An operator has a decision to make; events continue. */
        ATTENTION,
        /** Events do not arrive as they should. */
        DEGRADED,
        /** Nothing is known. */
        DOWN
    }

    /** @param broker null if another process relays the outbox, or none */
    public static Diagnosis of(
            OutboxConfig outbox, OutboxMonitor.State state, OutboxMonitor.@Nullable BrokerState broker, Instant now) {
        OutboxMonitor.Failure failure = state.failure();
        if (failure != null) {
            return new Diagnosis(
                    Level.DOWN,
                    List.of("The database has not answered for "
                            + DurationText.rounded(Duration.between(failure.since(), now)) + ": " + failure.reason()
                            + ". Nothing is lost; events wait in it."));
        }
        OutboxStore.Backlog backlog = state.backlog();
        LeaseState lease = state.lease();
        if (backlog == null || lease == null) {
            return new Diagnosis(Level.UP, List.of("Not checked yet."));
        }
        List<String> words = new ArrayList<>();
        Level level = Level.UP;
        String waiting = number(backlog.pending()) + " waiting; nothing is lost.";
        boolean late = backlog.oldestAge().compareTo(outbox.definition().lagLimit()) > 0;
        if (lease.pausedBy() != null) {
            words.add("Paused by " + lease.pausedBy() + "; " + waiting);
            level = Level.ATTENTION;
        } else if (broker != null && !broker.up()) {
            words.add("Broker unreachable for " + DurationText.rounded(Duration.between(broker.since(), now)) + " ("
                    + broker.reason() + "); " + waiting);
            level = Level.DEGRADED;
        } else if (lease.owner() == null) {
            words.add("No relay holds this outbox; " + waiting);
            level = Level.DEGRADED;
        } else if (late) {
            words.add("The oldest event has waited for " + DurationText.rounded(backlog.oldestAge()) + ", longer than "
                    + DurationText.of(outbox.definition().lagLimit()) + "; " + waiting);
            level = Level.DEGRADED;
        }
        if (backlog.oldestTransaction().compareTo(LONG_TRANSACTION) > 0) {
            words.add("A transaction has been open for " + DurationText.rounded(backlog.oldestTransaction())
                    + "; the database cannot clean up behind it.");
            level = level.compareTo(Level.ATTENTION) < 0 ? Level.ATTENTION : level;
        }
        if (backlog.dead() > 0) {
            words.add(
                    backlog.dead() == 1
                            ? "1 event is dead and waits for a decision."
                            : number(backlog.dead()) + " events are dead and wait for a decision.");
            level = level.compareTo(Level.ATTENTION) < 0 ? Level.ATTENTION : level;
        }
        return words.isEmpty()
                ? new Diagnosis(Level.UP, List.of("All is well."))
                : new Diagnosis(level, List.copyOf(words));
    }

    public static String number(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }
}
