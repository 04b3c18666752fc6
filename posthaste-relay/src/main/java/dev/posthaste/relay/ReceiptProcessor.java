package dev.posthaste.relay;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Receiver;
import dev.posthaste.internal.jdbc.Stores;
import dev.posthaste.internal.receipts.ReceiptMessages;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.relay.internal.ReceiptProcessors;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The outbox's side of receipts that travel as messages: reads them from their own topic or queue and writes them in
 * batches. Any number of them may run, beside a relay or not; it needs no lease. A receipt is acknowledged to its
 * broker when it is written. The outbox's definition decides how long an event that its consumer could not handle
 * waits, and when it is dead. What is not a receipt goes to the error queue or dead-letter topic, and so does a refusal
 * that no row records: the outbox is not tracked here, or the row is gone, holds another event, or was consumed or dead
 * before.
 *
 * <pre>{@code
 * broker.subscribe(Route.topic("acme.receipts").group("acme-receipts"), ReceiptProcessor.of(dataSource, catalog));
 * }</pre>
 *
 * <p>One thread ({@code posthaste-receipts}), from the first delivery to {@link #close}. Thread-safe.
 */
public final class ReceiptProcessor implements Receiver {
    static {
        ReceiptProcessors.supply(new ReceiptProcessors() {
            @Override
            protected ReceiptProcessor make(
                    Catalog catalog, Function<OutboxDefinition, ReceiptStore> stores, boolean threaded) {
                return new ReceiptProcessor(catalog, stores, threaded ? Thread::new : null);
            }

            @Override
            protected long run(ReceiptProcessor processor) throws InterruptedException {
                return processor.runOnce();
            }
        });
    }

    private static final Logger log = LoggerFactory.getLogger(ReceiptProcessor.class);
    private static final int BATCH = 1000;
    private static final long IDLE_MILLIS = 100;
    private static final long FIRST_WAIT_MILLIS = 100;
    private static final long MAX_WAIT_MILLIS = 5_000;
    private static final long CLOSE_MILLIS = 5_000;
    private static final long WARNING_NANOS = 60_000_000_000L;

    private final Map<String, Tracked> outboxes;
    private final LinkedBlockingQueue<Delivery> queue = new LinkedBlockingQueue<>();
    private final @Nullable Thread thread;
    private final Object state = new Object();
    private boolean started; // guarded by state
    private final List<Delivery> unanswered = new ArrayList<>(); // the thread's, like the next
    private int failures;
    private boolean metLocked;
    private long passedOver;
    private @Nullable Long toldOfPassedOver;
    private volatile boolean closed;

    /** Where an outbox's receipts are written, and what follows a refusal. */
    private record Tracked(ReceiptStore store, RetryPolicy retry) {}

    /** @param threads makes its thread; null if it has none */
    ReceiptProcessor(
            Catalog catalog, Function<OutboxDefinition, ReceiptStore> stores, @Nullable ThreadFactory threads) {
        this.outboxes = catalog.outboxes().stream()
                .filter(OutboxDefinition::tracked)
                .collect(Collectors.toUnmodifiableMap(
                        OutboxDefinition::name, outbox -> new Tracked(stores.apply(outbox), outbox.retry())));
        if (outboxes.isEmpty()) {
            throw new IllegalArgumentException("No outbox of the catalog is tracked; set tracked(true) on one");
        }
        this.thread = threads == null ? null : threads.newThread(this::work);
        if (thread != null) {
            thread.setName("posthaste-receipts");
            thread.setDaemon(true);
        }
    }

    /**
     * For outboxes in one database.
     *
     * @param dataSource remains the caller's; one connection is used at a time
     * @throws IllegalArgumentException if no outbox of the catalog is tracked
     * @throws dev.posthaste.StoreException if the database cannot be reached
     */
    public static ReceiptProcessor of(DataSource dataSource, Catalog catalog) {
        return new ReceiptProcessor(catalog, Stores.in(dataSource)::receipts, Thread::new);
    }

    @Override
    public String name() {
        return "receipts";
    }

    @Override
    public boolean handles(String eventType) {
        return ReceiptMessages.TYPE.equals(eventType);
    }

    @Override
    public void accept(Delivery delivery) {
        start();
        queue.add(delivery);
        if (closed) {
            abandonQueued();
        }
    }

    private void start() {
        synchronized (state) {
            if (thread != null && !started && !closed) {
                thread.start(); // if the system refuses it, the next delivery tries again
                started = true;
            }
        }
    }

    /** A delivery and what it says. */
    private record ReceivedReceipt(Delivery delivery, Receipt receipt) {}

    private void work() {
        try {
            while (!closed) {
                workOnce();
            }
        } catch (InterruptedException e) {
            // it is closed
        }
        unanswered.forEach(Delivery::abandoned);
        abandonQueued();
    }

    private void workOnce() throws InterruptedException {
        try {
            Delivery first = unanswered.isEmpty() ? queue.poll(IDLE_MILLIS, TimeUnit.MILLISECONDS) : null;
            if (first != null) {
                unanswered.add(first);
            }
            TimeUnit.MILLISECONDS.sleep(runOnce());
        } catch (InterruptedException e) {
            throw e;
        } catch (Throwable e) { // whatever a driver or a lack of memory throws: what is unanswered is tried again
            log.error("Receipts: an unexpected error, next try in {} ms", MAX_WAIT_MILLIS, e);
            TimeUnit.MILLISECONDS.sleep(MAX_WAIT_MILLIS);
        }
    }

    /**
     * Writes what has come, at most a batch, and answers it; for the thread, or a caller in its place. What could not
     * be written is tried again by the next call.
     *
     * @return the milliseconds to wait before it; 0 if all was answered
     */
    private long runOnce() throws InterruptedException {
        try {
            return answerAll();
        } finally {
            unanswered.forEach(ReceiptProcessor::ended);
        }
    }

    /** Nothing is done about it until the next call, which asks first whether it is still wanted. */
    private static void ended(Delivery delivery) {
        try {
            delivery.attemptEnded();
        } catch (RuntimeException e) {
            log.error("A receipt is tried again, and its broker cannot be notified", e);
        }
    }

    private long answerAll() throws InterruptedException {
        queue.drainTo(unanswered, Math.max(0, BATCH - unanswered.size()));
        Map<String, List<ReceivedReceipt>> byOutbox = new LinkedHashMap<>();
        boolean all = true;
        metLocked = false;
        for (Delivery delivery : List.copyOf(unanswered)) {
            if (!delivery.wanted()) {
                unanswered.remove(delivery);
                delivery.abandoned();
                continue;
            }
            try {
                Receipt receipt = ReceiptMessages.read(delivery.message().body());
                byOutbox.computeIfAbsent(receipt.outbox(), name -> new ArrayList<>())
                        .add(new ReceivedReceipt(delivery, receipt));
            } catch (IllegalArgumentException e) {
                all &= deadLetter(
                        delivery,
                        Failure.of(name(), String.valueOf(e.getMessage())).cause(e));
            }
        }
        for (Map.Entry<String, List<ReceivedReceipt>> each : byOutbox.entrySet()) {
            all &= write(each.getKey(), each.getValue());
        }
        failures = all ? 0 : failures + 1;
        if (all) {
            return metLocked ? FIRST_WAIT_MILLIS : 0;
        }
        return Math.min(FIRST_WAIT_MILLIS << Math.min(failures - 1, 10), MAX_WAIT_MILLIS);
    }

    private void done(List<ReceivedReceipt> written) {
        for (ReceivedReceipt told : written) {
            told.delivery().done();
            unanswered.remove(told.delivery());
        }
    }

    /** @return false if it could not be put there, and is tried again */
    private boolean deadLetter(Delivery delivery, Failure failure) throws InterruptedException {
        try {
            delivery.deadLetter(failure);
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            log.warn("A message among the receipts cannot be dead-lettered, and is tried again: {}", e.toString());
            return false;
        }
        unanswered.remove(delivery);
        log.warn("A message among the receipts is dead-lettered: {}", failure.reason());
        return true;
    }

    /** @return false if some are to be tried again because something failed */
    private boolean write(String outbox, List<ReceivedReceipt> told) throws InterruptedException {
        Tracked tracked = outboxes.get(outbox);
        if (tracked == null) {
            return passOver(outbox, told);
        }
        List<Receipt> receipts = told.stream().map(ReceivedReceipt::receipt).toList();
        ReceiptStore.Received received;
        try {
            received =
                    tracked.store().receive(receipts, RefusalPolicy.of(tracked.retry(), ThreadLocalRandom.current()));
        } catch (RuntimeException e) {
            log.warn("Outbox {}: receipts cannot be written, and are tried again: {}", outbox, e.getMessage());
            return false;
        }
        log.debug("Outbox {}: {} of {} receipts changed their event", outbox, received.changed(), receipts.size());
        return answer(told, received);
    }

    /** Nothing is lost when a receipt for a handled event is dropped; a refusal would be recorded nowhere. */
    private boolean passOver(String outbox, List<ReceivedReceipt> told) throws InterruptedException {
        boolean all = true;
        List<ReceivedReceipt> consumed = new ArrayList<>();
        for (ReceivedReceipt each : told) {
            if (each.receipt() instanceof Receipt.Refusal refusal) {
                all &= deadLetter(each.delivery(), refusal, "outbox " + outbox + " is not tracked here");
            } else {
                consumed.add(each);
            }
        }
        done(consumed);
        passedOver += consumed.size();
        long now = System.nanoTime();
        Long last = toldOfPassedOver;
        if (passedOver > 0 && (last == null || now - last > WARNING_NANOS)) {
            log.warn(
                    "{} receipts for consumed events were ignored: outbox {} or others are not tracked here",
                    passedOver,
                    outbox);
            passedOver = 0;
            toldOfPassedOver = now;
        }
        return all;
    }

    /** Receipts that no row records become dead letters; those for a locked row are tried again after the others. */
    private boolean answer(List<ReceivedReceipt> told, ReceiptStore.Received received) throws InterruptedException {
        boolean all = true;
        List<ReceivedReceipt> written = new ArrayList<>();
        List<Delivery> again = new ArrayList<>();
        for (ReceivedReceipt each : told) {
            String unmatched = received.unmatched().get(each.receipt());
            if (unmatched != null) {
                all &= deadLetter(each.delivery(), each.receipt(), unmatched);
            } else if (received.locked().contains(each.receipt())) {
                again.add(each.delivery());
            } else {
                written.add(each);
            }
        }
        done(written);
        again.forEach(ReceiptProcessor::ended);
        unanswered.removeAll(again);
        queue.addAll(again);
        metLocked |= !again.isEmpty();
        return all;
    }

    private boolean deadLetter(Delivery delivery, Receipt receipt, String why) throws InterruptedException {
        String error = receipt instanceof Receipt.Refusal refusal ? "; the consumer reported: " + refusal.error() : "";
        String reason = "the receipt for event " + receipt.eventId() + " (outbox " + receipt.outbox() + ", position "
                + receipt.row() + ") changed nothing: " + why + error;
        return deadLetter(delivery, Failure.of(name(), reason));
    }

    private void abandonQueued() {
        List<Delivery> waiting = new ArrayList<>();
        queue.drainTo(waiting);
        waiting.forEach(Delivery::abandoned);
    }

    @Override
    public void close() {
        synchronized (state) {
            closed = true;
        }
        try {
            if (thread != null) {
                thread.join(CLOSE_MILLIS);
                thread.interrupt();
                thread.join(1_000);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        abandonQueued();
    }
}
