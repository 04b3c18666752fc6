package dev.posthaste.inbox.internal;

import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Receipts;
import java.util.Objects;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * What tests and simulations set on an inbox, and applications never: threads, time and chance, and who hears of refusals.
 * {@link Receipts} supplies it when it is loaded, so that none of it is visible there or in {@link Inbox.Builder}.
 */
public abstract class InboxTesting {
    private static final AtomicReference<InboxTesting> SUPPLIED = new AtomicReference<>();

    protected InboxTesting() {}

    /** Called once, by the class of receipts. */
    public static void supply(InboxTesting testing) {
        SUPPLIED.set(testing);
    }

    private static InboxTesting supplied() {
        return Objects.requireNonNull(SUPPLIED.get()); // every builder has receipts, so their class has been loaded
    }

    /**
     * The inbox starts no thread of its own, and deletes no notes.
     *
     * @param executor runs the attempts, and delays those that are retried; shut down with the inbox
     * @param random what jitters retries; thread-safe if the executor has more than one thread
     */
    public static Inbox.Builder executor(
            Inbox.Builder builder, ScheduledExecutorService executor, RandomGenerator random) {
        supplied().setExecutor(builder, executor, random);
        return builder;
    }

    /**
     * The same receipts; {@code hears} is given the id of each event that is refused, before its outbox gets the receipt.
     * What it throws goes to the caller.
     */
    public static Receipts beforeRefusals(Receipts receipts, Consumer<String> hears) {
        return supplied().withListener(receipts, hears);
    }

    protected abstract void setExecutor(
            Inbox.Builder builder, ScheduledExecutorService executor, RandomGenerator random);

    protected abstract Receipts withListener(Receipts receipts, Consumer<String> hears);
}
