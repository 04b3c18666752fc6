package dev.posthaste.relay;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Message;
import dev.posthaste.inbox.Delivery;
import dev.posthaste.inbox.Failure;
import dev.posthaste.inbox.ReceiptMessages;
import dev.posthaste.inbox.Receiver;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.Receipt;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The outbox's side of receipts that travel as messages: reads them from a topic or queue of their own and writes them in
 * batches. Any number of them may run, beside a relay or not; it needs no lease. A receipt is acknowledged to its broker
 * when it is written. What is not a receipt goes to the error queue or dead-letter topic, and so does a refusal of which
 * no row tells: the outbox is not tracked here, or the row is gone, holds another event, or was consumed or dead before.
 *
 * <pre>{@code
 * new KafkaSubscription(settings, new Route("acme.receipts", null, "acme-receipts"), intake).start();
 * }</pre>
 *
 * <p>One thread ({@code posthaste-receipts}). Thread-safe.
 */
public final class ReceiptIntake implements Receiver {
    private static final Logger log = LoggerFactory.getLogger(ReceiptIntake.class);
    private static final int BATCH = 1000;
    private static final long IDLE_MILLIS = 100;
    private static final long FIRST_WAIT_MILLIS = 100;
    private static final long LONGEST_WAIT_MILLIS = 5_000;
    private static final long CLOSE_MILLIS = 5_000;
    private static final long WARNING_NANOS = 60_000_000_000L;

    private final Map<String, Journal> journals;
    private final RetryPolicy retry;
    private final LinkedBlockingQueue<Delivery> queue = new LinkedBlockingQueue<>();
    private final Thread thread;
    private final List<Delivery> unanswered = new ArrayList<>(); // the thread's
    private long passedOver; // the thread's, as the next
    private @Nullable Long toldOfPassedOver;
    private volatile boolean closed;

    /**
     * @param journals opens the journal of an outbox: {@code outbox -> new StatusJournal(pool, dialect, outbox)}
     * @param retry how long an event waits that its consumer could not handle, and when it is dead; the relay's policy
     * @throws IllegalArgumentException if no outbox of the catalog is tracked
     */
    public ReceiptIntake(Catalog catalog, Function<OutboxDefinition, Journal> journals, RetryPolicy retry) {
        this.journals = catalog.outboxes().stream()
                .filter(OutboxDefinition::tracked)
                .collect(Collectors.toUnmodifiableMap(OutboxDefinition::name, journals));
        if (this.journals.isEmpty()) {
            throw new IllegalArgumentException("No outbox of the catalog is tracked; say withReceipts() of one");
        }
        this.retry = retry;
        this.thread = new Thread(this::work, "posthaste-receipts");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public String name() {
        return "receipts";
    }

    @Override
    public boolean handles(Message message) {
        return ReceiptMessages.TYPE.equals(message.eventType());
    }

    @Override
    public void accept(Delivery delivery) {
        queue.add(delivery);
        if (closed) {
            abandonQueued();
        }
    }

    /** A delivery and what it says. */
    private record Told(Delivery delivery, Receipt receipt) {}

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
            queue.drainTo(unanswered, Math.max(0, BATCH - unanswered.size()));
            writeAll();
        } catch (InterruptedException e) {
            throw e;
        } catch (Throwable e) { // whatever a driver or a lack of memory throws: what is unanswered is tried again
            log.error("Receipts: an unexpected error, next try in {} ms", LONGEST_WAIT_MILLIS, e);
            TimeUnit.MILLISECONDS.sleep(LONGEST_WAIT_MILLIS);
        }
    }

    private void writeAll() throws InterruptedException {
        Map<String, List<Told>> byOutbox = new LinkedHashMap<>();
        for (Delivery delivery : List.copyOf(unanswered)) {
            Told told = read(delivery);
            if (told != null) {
                byOutbox.computeIfAbsent(told.receipt().outbox(), name -> new ArrayList<>())
                        .add(told);
            }
        }
        for (Map.Entry<String, List<Told>> each : byOutbox.entrySet()) {
            write(each.getKey(), each.getValue());
        }
    }

    private void done(List<Told> written) {
        for (Told told : written) {
            told.delivery().done();
            unanswered.remove(told.delivery());
        }
    }

    private @Nullable Told read(Delivery delivery) throws InterruptedException {
        try {
            return new Told(delivery, ReceiptMessages.read(delivery.message().body()));
        } catch (IllegalArgumentException e) {
            deadLetter(delivery, new Failure(name(), String.valueOf(e.getMessage()), e, 1));
            return null;
        }
    }

    private void deadLetter(Delivery delivery, Failure failure) throws InterruptedException {
        for (long wait = FIRST_WAIT_MILLIS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MILLIS)) {
            try {
                delivery.deadLetter(failure);
                unanswered.remove(delivery);
                log.warn("A message among the receipts is dead-lettered: {}", failure.reason());
                return;
            } catch (InterruptedException e) {
                throw e;
            } catch (Exception e) {
                log.warn(
                        "A message among the receipts cannot be dead-lettered, next try in {} ms: {}",
                        wait,
                        e.toString());
                TimeUnit.MILLISECONDS.sleep(wait);
            }
        }
    }

    private void write(String outbox, List<Told> told) throws InterruptedException {
        Journal journal = journals.get(outbox);
        if (journal == null) {
            passOver(outbox, told);
            return;
        }
        List<Receipt> receipts = told.stream().map(Told::receipt).toList();
        for (long wait = FIRST_WAIT_MILLIS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MILLIS)) {
            try {
                Journal.Received received = journal.receive(receipts, retry);
                log.debug(
                        "Outbox {}: {} of {} receipts changed their event",
                        outbox,
                        received.changed(),
                        receipts.size());
                answer(told, received);
                return;
            } catch (RuntimeException e) {
                log.warn("Outbox {}: receipts cannot be written, next try in {} ms: {}", outbox, wait, e.getMessage());
                TimeUnit.MILLISECONDS.sleep(wait);
            }
        }
    }

    /** Nothing is lost with the word that an event was handled; a refusal would be nowhere. */
    private void passOver(String outbox, List<Told> told) throws InterruptedException {
        List<Told> consumed = new ArrayList<>();
        for (Told each : told) {
            if (each.receipt() instanceof Receipt.Refusal refusal) {
                deadLetter(each.delivery(), refusal, "outbox " + outbox + " is not tracked here");
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
                    "{} consumed receipts were passed over: outbox {} or others are not tracked here",
                    passedOver,
                    outbox);
            passedOver = 0;
            toldOfPassedOver = now;
        }
    }

    /** What no row tells of goes to the dead letters; what is for a locked row is tried again after the others. */
    private void answer(List<Told> told, Journal.Received received) throws InterruptedException {
        List<Told> written = new ArrayList<>();
        List<Delivery> again = new ArrayList<>();
        for (Told each : told) {
            String unmatched = received.unmatched().get(each.receipt());
            if (unmatched != null) {
                deadLetter(each.delivery(), each.receipt(), unmatched);
            } else if (received.locked().contains(each.receipt())) {
                again.add(each.delivery());
            } else {
                written.add(each);
            }
        }
        done(written);
        unanswered.removeAll(again);
        queue.addAll(again);
        if (!again.isEmpty()) {
            TimeUnit.MILLISECONDS.sleep(FIRST_WAIT_MILLIS);
        }
    }

    private void deadLetter(Delivery delivery, Receipt receipt, String why) throws InterruptedException {
        String error = receipt instanceof Receipt.Refusal refusal ? "; the consumer said: " + refusal.error() : "";
        String reason = "the receipt for event " + receipt.eventId() + " (outbox " + receipt.outbox() + ", row "
                + receipt.row() + ") changed nothing: " + why + error;
        deadLetter(delivery, new Failure(name(), reason, null, 1));
    }

    private void abandonQueued() {
        List<Delivery> waiting = new ArrayList<>();
        queue.drainTo(waiting);
        waiting.forEach(Delivery::abandoned);
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join(CLOSE_MILLIS);
            thread.interrupt();
            thread.join(1_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        abandonQueued();
    }
}
