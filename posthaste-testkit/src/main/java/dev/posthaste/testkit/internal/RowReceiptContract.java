package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.jdbc.ConnectionStores;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore.Received;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.internal.store.Verdict;
import java.sql.Connection;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What receipts write into rows whose status can be {@code consumed}, on every database. */
public abstract class RowReceiptContract extends RowContract {
    protected RowReceiptContract(DatabaseSource source) {
        super(source);
    }

    @Override
    protected OutboxDefinition definition() {
        return super.definition().tracked(true);
    }

    private PendingEvent written(String text) throws Exception {
        write("key", text);
        List<PendingEvent> pending = pending();
        return pending.get(pending.size() - 1);
    }

    private static RefusalPolicy three() {
        return RefusalPolicy.of(ReceiptContract.THREE, new Random(1));
    }

    @Test
    void receiptsAreWrittenIntoTheirRows() throws Exception {
        Claim claim = claim();
        PendingEvent first = written("a");
        PendingEvent second = written("b");
        store.settle(claim, List.of(new Verdict.Published(first.id(), 0)));
        receipts.receive(List.of(ReceiptContract.consumed(first), ReceiptContract.failed(second, 0)), three());
        assertThat(statuses()).containsExactly("consumed", "pending");
        assertThat(query("select " + column(Column.ATTEMPTS) + ", " + column(Column.LAST_ERROR) + " from " + table()
                        + " order by " + column(Column.ID)))
                .containsExactly("0|null", "1|could not");
        assertThat(query(
                        "select " + column(Column.CONSUMED_AT) + " from " + table() + " order by " + column(Column.ID)))
                .satisfiesExactly(
                        consumed -> assertThat(consumed).isNotEqualTo("null"),
                        pending -> assertThat(pending).isEqualTo("null"));
    }

    @Test
    void H39_aReceiptBeforeTheRelayKnewIsNotedInTheRowAsPublishedToo() throws Exception {
        PendingEvent event = written("a");
        receipts.receive(List.of(ReceiptContract.consumed(event)), three());
        store.settle(claim(), List.of(new Verdict.Published(event.id(), 0)));
        assertThat(statuses()).containsExactly("consumed");
        assertThat(query("select " + column(Column.PUBLISHED_AT) + " from " + table()))
                .doesNotContain("null");
    }

    @Test
    void H39_whyADeadEventWasDeadStaysInItsRow() throws Exception {
        PendingEvent event = written("a");
        receipts.receive(List.of(ReceiptContract.rejected(event)), three());
        receipts.receive(List.of(ReceiptContract.consumed(event)), three());
        assertThat(statuses()).containsExactly("consumed");
        assertThat(query("select " + column(Column.LAST_ERROR) + " from " + table()))
                .containsExactly("never");
    }

    @Test
    void H39_receiptsForARowThatIsGoneChangeNothing() throws Exception {
        PendingEvent gone = written("b");
        execute("delete from " + table() + " where " + column(Column.ID) + " = " + gone.id());
        List<Receipt> said = List.of(
                ReceiptContract.consumed(gone), ReceiptContract.failed(gone, 0), ReceiptContract.rejected(gone));
        Received received = receipts.receive(said, three());
        assertThat(received.changed()).isZero();
        assertThat(received.unmatched()).containsOnlyKeys(said.get(1), said.get(2));
    }

    /** InnoDB locks the gap where an update did not find a row; the inserts of every application would wait. */
    @Test
    void C22_thatAnEventWasHandledBeforeKeepsNobodyFromWriting() throws Exception {
        long gone = written("a").id() + 1_000; // a row that has just been deleted leaves something behind for a while
        try (Connection consumer = begin()) {
            Receipt.Consumed receipt = new Receipt.Consumed("orders", gone, "gone");
            assertThat(new ConnectionStores().of(consumer, orders).consumedBefore(consumer, receipt))
                    .isFalse();
            written("b");
            consumer.rollback();
        }
        assertThat(pending()).hasSize(2);
    }

    @Test
    void H39_inWhateverOrderReceiptsComeTheRowCountsOneAttemptAtMost() throws Exception {
        Claim claim = claim();
        PendingEvent event = written("a");
        receipts.receive(List.of(ReceiptContract.failed(event, 0)), three());
        receipts.receive(List.of(ReceiptContract.failed(event, 0)), three());
        store.settle(claim, List.of(new Verdict.Published(event.id(), 0)));
        receipts.receive(List.of(ReceiptContract.consumed(event)), three());
        assertThat(statuses()).containsExactly("consumed");
        assertThat(query("select " + column(Column.ATTEMPTS) + " from " + table()))
                .containsExactly("1");
    }
}
