package dev.posthaste.relay.internal;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.relay.ReceiptProcessor;
import java.lang.invoke.MethodHandles;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;

/**
 * Receipt processors as the daemon, tests and simulations make them, and applications do not: on stores that are
 * already open, with or without a thread. The processor's class supplies it when it is loaded.
 */
public abstract class ReceiptProcessors {
    private static final AtomicReference<ReceiptProcessors> SUPPLIED = new AtomicReference<>();

    protected ReceiptProcessors() {}

    /** Called once, by the processor's class. */
    public static void supply(ReceiptProcessors processors) {
        SUPPLIED.set(processors);
    }

    private static ReceiptProcessors supplied() {
        try {
            MethodHandles.lookup().ensureInitialized(ReceiptProcessor.class);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e); // it is public
        }
        return Objects.requireNonNull(SUPPLIED.get());
    }

    /** One with its own thread, for outboxes in one database or several. */
    public static ReceiptProcessor on(Catalog catalog, Function<OutboxDefinition, ReceiptStore> stores) {
        return supplied().make(catalog, stores, true);
    }

    /** One without a thread: it moves when {@link #runOnce} is called. */
    public static ReceiptProcessor manual(Catalog catalog, Function<OutboxDefinition, ReceiptStore> stores) {
        return supplied().make(catalog, stores, false);
    }

    /**
     * What the processor's thread does: returns the milliseconds to wait before the next call; 0 if all was answered.
     */
    public static long runOnce(ReceiptProcessor processor) throws InterruptedException {
        return supplied().run(processor);
    }

    protected abstract ReceiptProcessor make(
            Catalog catalog, Function<OutboxDefinition, ReceiptStore> stores, boolean threaded);

    protected abstract long run(ReceiptProcessor processor) throws InterruptedException;
}
