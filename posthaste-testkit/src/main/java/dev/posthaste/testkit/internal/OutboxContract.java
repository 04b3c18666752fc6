package dev.posthaste.testkit.internal;

import dev.posthaste.Event;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.internal.admin.FoundPage;
import dev.posthaste.internal.admin.OperatorStore;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.OutboxStore.DeadEvent;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.internal.store.ReceiptStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * What the contracts share: an empty outbox named {@code orders} for each test, its store from all sides, and small helpers.
 * They know the outbox's definition and the interfaces of stores, and nothing of how a store keeps its events.
 */
public abstract class OutboxContract {
    protected static final String TYPE = "order.placed";
    static final long ALL = Long.MAX_VALUE;

    private final StoreSource source;
    protected final OutboxDefinition orders = definition();
    protected OutboxStore store;
    protected ReceiptStore receipts;
    protected OperatorStore operators;
    private OpenStore open;

    protected OutboxContract(StoreSource source) {
        this.source = source;
    }

    /**
     * The outbox {@code orders}, whose route is {@code orders-topic}; in the standard table unless a subclass chooses
     * another.
     */
    protected OutboxDefinition definition() {
        return OutboxDefinition.named("orders").route(Route.to("orders-topic")).types(TYPE);
    }

    @BeforeEach
    void openStore() throws Exception {
        open = source.open(orders);
        store = open.store();
        receipts = open.receipts();
        operators = open.operators();
    }

    @AfterEach
    void closeStore() throws Exception {
        source.close();
    }

    /** Whether the outbox keeps this of an event. */
    protected final boolean keeps(Column what) {
        return EventTable.of(orders).has(what);
    }

    /** How far a stored time may be after the intended one: other tables may keep whole seconds. */
    final Duration rounding() {
        return Duration.ofSeconds(EventTable.of(orders).isStandard() ? 0 : 1);
    }

    /** See {@link OpenStore#hasOneWriter}. */
    protected final boolean hasOneWriter() {
        return open.hasOneWriter();
    }

    // --- Writing -----------------------------------------------------------------------------------------------------

    static String json(String text) {
        return '"' + text + '"';
    }

    /**
     * An event whose payload is {@code text} as JSON, because not every table accepts anything else; with the key, if
     * keys are kept.
     */
    protected final Event event(String key, String text) {
        return Event.of(TYPE, keeps(Column.KEY) ? key : null, json(text));
    }

    /** Writes and commits one event. */
    protected void write(String key, String text) throws Exception {
        write(event(key, text));
    }

    protected final void write(Event... events) throws Exception {
        try (OpenStore.Writing transaction = open.begin()) {
            transaction.write(events);
            transaction.commit();
        }
    }

    /** A transaction that writes; closing it without a commit rolls back. */
    protected final OpenStore.Writing beginWriting() throws Exception {
        return open.begin();
    }

    /** Runs {@code work} while {@code open} has written something, ends that, and waits for the work. */
    static <T> T behind(OpenStore.Writing open, boolean commit, Callable<T> work) throws Exception {
        return behind(
                () -> {
                    if (commit) {
                        open.commit();
                    }
                    open.close();
                },
                work);
    }

    /** How an open transaction ends. */
    @FunctionalInterface
    interface Ending {
        void run() throws Exception;
    }

    static <T> T behind(Ending ending, Callable<T> work) throws Exception {
        FutureTask<T> waiting = new FutureTask<>(work);
        Thread thread = new Thread(waiting, "behind");
        thread.start();
        try {
            waiting.get(300, TimeUnit.MILLISECONDS);
            throw new AssertionError("It did not wait for the other transaction");
        } catch (TimeoutException e) {
            // as it should
        }
        ending.run();
        return waiting.get(30, TimeUnit.SECONDS);
    }

    // --- Looking -----------------------------------------------------------------------------------------------------

    /** Makes {@code owner} the outbox's owner, in place of any previous one. */
    protected final Claim take(String owner) {
        return open.take(owner);
    }

    /** Every pending event with its contents, due or not. */
    protected final List<PendingEvent> pending() {
        List<Long> ids = store.scan(Long.MIN_VALUE, Long.MAX_VALUE, 10_000).stream()
                .map(PendingRef::id)
                .toList();
        return ids.isEmpty() ? List.of() : store.load(ids, ALL);
    }

    /** Every event, as an operator sees it, in id order. */
    protected final List<FoundEvent> found() {
        List<FoundEvent> found = new ArrayList<>();
        Long before = Long.MAX_VALUE;
        while (before != null) {
            FoundPage page = operators.search(EventFilter.all(), before, 1_000);
            page.events().forEach(event -> found.add(0, event));
            before = page.next();
        }
        return found;
    }

    protected final FoundEvent found(long id) {
        return operators.find(id).orElseThrow();
    }

    /** The codes of all events' statuses, in id order. */
    protected List<String> statuses() throws Exception {
        return found().stream()
                .map(event -> Objects.requireNonNull(event.status()).code())
                .toList();
    }

    // --- Operating ---------------------------------------------------------------------------------------------------

    static Change because(String reason) {
        return Change.by("ada", reason);
    }

    static EventFilter at(Collection<Long> positions) {
        return EventFilter.positions(
                positions.stream().mapToLong(Long::longValue).toArray());
    }

    static EventFilter at(Long... positions) {
        return at(List.of(positions));
    }

    /** Puts dead events back to pending; returns how many there were. */
    protected final long requeue(Collection<Long> ids) {
        return operators.change(Action.REQUEUE, because("again"), ids).events();
    }

    protected final long requeueAll() {
        return requeue(
                store.dead(Long.MIN_VALUE, 10_000).stream().map(DeadEvent::id).toList());
    }

    final long count(Status status) {
        return operators.counts().getOrDefault(status, 0L);
    }

    // --- Waiting -----------------------------------------------------------------------------------------------------

    /** The step of a test that only waits. A thread that spins takes the processor from what it waits for. */
    protected static void pause() {
        try {
            Thread.sleep(2);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Runs {@code step} until {@code done}, for at most 30 seconds. */
    protected static void until(String what, Runnable step, BooleanSupplier done) {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!done.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("Not within 30 s: " + what);
            }
            step.run();
        }
    }
}
