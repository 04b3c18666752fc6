package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.Retention;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store must do with receipts for events that can end as consumed. */
public abstract class ReceiptContract extends OutboxContract {
    static final RetryPolicy THREE = RetryPolicy.fixed(Duration.ofMillis(20)).attempts(3);

    private Claim claim;

    protected ReceiptContract(StoreSource source) {
        super(source);
    }

    @Override
    protected OutboxDefinition definition() {
        return super.definition().tracked(true);
    }

    @BeforeEach
    void takeLease() {
        claim = take("me");
    }

    private PendingEvent written(String text) throws Exception {
        write("key", text);
        List<PendingEvent> pending = pending();
        return pending.get(pending.size() - 1);
    }

    private void publish(PendingEvent event) {
        store.settle(claim, List.of(new Verdict.Published(event.id(), event.attempts())));
    }

    private int receive(Receipt... said) {
        return receipts.receive(List.of(said), RefusalPolicy.of(THREE, new Random(1)))
                .changed();
    }

    static Receipt consumed(PendingEvent event) {
        return new Receipt.Consumed("orders", event.id(), event.event().eventId());
    }

    static Receipt failed(PendingEvent event, Integer attempts) {
        return new Receipt.Failed(
                "orders", event.id(), event.event().eventId(), attempts, event.generation(), "could not");
    }

    static Receipt rejected(PendingEvent event) {
        return new Receipt.Rejected(
                "orders", event.id(), event.event().eventId(), event.attempts(), event.generation(), "never");
    }

    /** Removes an event. */
    private void discard(PendingEvent event) {
        receive(rejected(event));
        assertThat(operators
                        .change(Action.DISCARD, because("gone"), List.of(event.id()))
                        .events())
                .isEqualTo(1);
    }

    // --- In any order ------------------------------------------------------------------------------------------------

    @Test
    void aConsumedEventIsConsumedAndStaysSo() throws Exception {
        PendingEvent event = written("a");
        publish(event);
        assertThat(receive(consumed(event))).isEqualTo(1);
        assertThat(statuses()).containsExactly("consumed");
        if (keeps(Column.CONSUMED_AT)) {
            assertThat(found(event.id()).consumedAt()).isNotNull();
        }
        assertThat(receive(consumed(event), failed(event, 0), rejected(event))).isZero();
        publish(event);
        assertThat(statuses()).containsExactly("consumed");
    }

    /** What may happen to one event, in all orders. */
    private enum Happening {
        PUBLISHED,
        CONSUMED,
        CONSUMED_AGAIN,
        FAILED,
        FAILED_AGAIN
    }

    @Test
    void H39_inWhateverOrderReceiptsComeTheEventEndsConsumed() throws Exception {
        for (List<Happening> order : permutations(List.of(Happening.values()))) {
            PendingEvent event = written(order.toString().replace(" ", ""));
            for (Happening each : order) {
                switch (each) {
                    case PUBLISHED -> publish(event);
                    case CONSUMED, CONSUMED_AGAIN -> receive(consumed(event));
                    case FAILED, FAILED_AGAIN -> receive(failed(event, 0));
                }
            }
            assertThat(found(event.id()).status()).as(order.toString()).isEqualTo(Status.CONSUMED);
            assertThat(found(event.id()).attempts()).as(order.toString()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void H39_whatIsConsumedIsTheTruthAlsoOfADeadEvent() throws Exception {
        PendingEvent first = written("a");
        PendingEvent second = written("b");
        receive(rejected(first), consumed(second));
        receive(consumed(first), rejected(second));
        assertThat(statuses()).containsExactly("consumed", "consumed");
        publish(first);
        publish(second);
        assertThat(statuses()).containsExactly("consumed", "consumed");
        assertThat(found())
                .extracting(FoundEvent::error)
                .as("why it had been dead")
                .containsExactly("never", null);
    }

    /**
     * A relay may settle late, because the row was locked; for an event that was put back meanwhile the verdict is
     * outdated.
     */
    @Test
    void C18_aVerdictOfAnEarlierGenerationChangesNothing() throws Exception {
        PendingEvent event = written("a");
        receive(rejected(event));
        requeue(List.of(event.id()));
        PendingEvent requeued = pending().get(0);
        assertThat(requeued.attempts()).isEqualTo(event.attempts());
        if (!keeps(Column.GENERATION)) {
            // In such a table nothing tells the two apart (docs/adr/0007).
            publish(event);
            assertThat(statuses()).containsExactly("published");
            return;
        }
        assertThat(requeued.generation()).isNotEqualTo(event.generation());
        for (Verdict old : List.of(
                new Verdict.Published(event.id(), event.seen()),
                new Verdict.Consumed(event.id(), event.seen()),
                new Verdict.Retry(event.id(), event.seen(), Duration.ofHours(1), "old"),
                new Verdict.Dead(event.id(), event.seen(), "old"))) {
            assertThat(store.settle(claim, List.of(old)).written())
                    .as(old.toString())
                    .isZero();
            assertThat(pending()).as(old.toString()).hasSize(1);
        }
        store.settle(claim, List.of(new Verdict.Published(event.id(), requeued.seen())));
        assertThat(statuses()).containsExactly("published");
    }

    @Test
    void H39_aReceiptBeforeTheRelayKnewIsNotedAsPublishedToo() throws Exception {
        PendingEvent event = written("a");
        receive(consumed(event));
        assertThat(store.settle(claim, List.of(new Verdict.Published(event.id(), 0)))
                        .written())
                .isEqualTo(1);
        assertThat(statuses()).containsExactly("consumed");
        if (keeps(Column.PUBLISHED_AT)) {
            assertThat(found(event.id()).publishedAt()).isNotNull();
        }
    }

    @Test
    void H39_receiptsForAnEventThatIsGoneOrAnotherChangeNothing() throws Exception {
        PendingEvent event = written("a");
        publish(event);
        PendingEvent gone = written("b");
        discard(gone);
        List<Receipt> said = List.of(consumed(gone), failed(gone, 0), rejected(gone));
        ReceiptStore.Received received = receipts.receive(said, RefusalPolicy.of(THREE, new Random(1)));
        assertThat(received.changed()).isZero();
        assertThat(received.unmatched()).containsOnlyKeys(said.get(1), said.get(2));
        if (keeps(Column.EVENT_ID)) {
            assertThat(receive(new Receipt.Consumed("orders", event.id(), "another-event")))
                    .isZero();
            assertThat(statuses()).containsExactly("published");
        }
    }

    private static <T> List<List<T>> permutations(List<T> of) {
        if (of.isEmpty()) {
            return List.of(List.of());
        }
        List<List<T>> all = new ArrayList<>();
        for (T first : of) {
            List<T> rest = new ArrayList<>(of);
            rest.remove(first);
            for (List<T> each : permutations(rest)) {
                List<T> permutation = new ArrayList<>(List.of(first));
                permutation.addAll(each);
                all.add(permutation);
            }
        }
        return all;
    }

    // --- Redelivery --------------------------------------------------------------------------------------------------

    @Test
    void aFailedEventIsPendingAgainWithOneAttemptMoreAndDeadAfterTheLast() throws Exception {
        PendingEvent event = written("a");
        for (int attempt = 1; attempt < 3; attempt++) {
            PendingEvent now = pending().get(0);
            publish(now);
            assertThat(receive(failed(event, now.attempts()))).isEqualTo(1);
            assertThat(statuses()).containsExactly("pending");
            assertThat(found(event.id()).attempts()).isEqualTo(attempt);
            assertThat(found(event.id()).error()).isEqualTo("could not");
            assertThat(receive(failed(event, now.attempts())))
                    .as("the same once more")
                    .isZero();
        }
        publish(pending().get(0));
        assertThat(receive(failed(event, 2))).isEqualTo(1);
        assertThat(statuses()).containsExactly("dead");
        assertThat(found(event.id()).attempts()).isEqualTo(3);
    }

    @Test
    void aFailedEventWaitsAsItsPolicySays() throws Exception {
        PendingEvent event = written("a");
        publish(event);
        receipts.receive(
                List.of(failed(event, 0)),
                RefusalPolicy.of(RetryPolicy.fixed(Duration.ofHours(1)).attempts(3), new Random(1)));
        long wait = pending().get(0).waitNanos();
        assertThat(Duration.ofNanos(wait)).isBetween(Duration.ofMinutes(55), Duration.ofMinutes(61));
    }

    // --- Published, and not consumed ---------------------------------------------------------------------------------

    /** It was not refused, so nothing is counted; one that is consumed or dead stays as it is. */
    @Test
    void whatIsPublishedAgainIsPendingAsItWas() throws Exception {
        PendingEvent event = written("a");
        publish(event);
        PendingEvent consumed = written("b");
        receive(consumed(consumed));
        PendingEvent dead = written("c");
        receive(rejected(dead));
        assertThat(receipts.republish(List.of(event.id(), consumed.id(), dead.id())))
                .containsExactly(event.id());
        assertThat(statuses()).containsExactly("pending", "consumed", "dead");
        assertThat(pending()).singleElement().satisfies(again -> {
            assertThat(again.seen()).isEqualTo(event.seen());
            assertThat(Duration.ofNanos(again.waitNanos())).isLessThanOrEqualTo(rounding());
        });
    }

    @Test
    void whatNobodyConsumesIsCounted() throws Exception {
        PendingEvent consumed = written("a");
        PendingEvent forgotten = written("b");
        written("still pending");
        publish(consumed);
        publish(forgotten);
        receive(consumed(consumed));
        assertThat(receipts.unconsumed(Duration.ofHours(1)).events()).isZero();
        Duration any = Duration.ofSeconds(-2); // also where times are kept in seconds
        assertThat(receipts.unconsumed(any).events()).isEqualTo(1);
        assertThat(receipts.unconsumed(any).events()).isEqualTo(1);
    }

    @Test
    void retentionKeepsWhatWasPublishedUntilItIsConsumed() throws Exception {
        PendingEvent consumed = written("a");
        PendingEvent open = written("b");
        publish(consumed);
        publish(open);
        receive(consumed(consumed));
        OutboxDefinition keepNothing = orders.keep(Duration.ZERO).deleteDead(true);
        Retention retention = new Retention(keepNothing, store, EngineListener.NONE);
        AtomicInteger deleted = new AtomicInteger();
        until(
                "the times that are kept in seconds have passed",
                () -> deleted.addAndGet(retention.runOnce(() -> true)),
                () -> deleted.get() > 0);
        assertThat(statuses()).containsExactly("published");
    }
}
