package dev.posthaste.fuzz;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.EventPage;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.admin.OutboxAdmin;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.internal.store.RetentionRule;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.internal.store.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import javax.sql.DataSource;

/** The life of a table's only row: refused, dead, found, requeued, published, consumed or discarded. */
final class RowLife {
    private final OutboxDefinition outbox;
    private final Dice dice;
    private final RowStore store;
    private final LeaseTable leases;
    private final OutboxAdmin admin;

    RowLife(FuzzDatabase database, OutboxDefinition outbox, Dice dice) {
        DataSource dataSource = database.dataSource();
        Dialect dialect = database.dialect();
        this.outbox = outbox;
        this.dice = dice;
        this.store = new RowStore(dataSource, dialect, outbox);
        this.leases = new LeaseTable(dataSource, dialect);
        this.admin = Admin.of(dataSource, Catalog.of(outbox)).outbox(outbox.name());
    }

    /**
     * @param event as read from the table; the only one there, and pending
     * @param isFoundById false if the id is only in the envelope and spelled differently there: JSON has several
     *     spellings for some characters
     */
    void run(StoredRow event, boolean isFoundById) {
        long id = event.position();
        Claim claim = Objects.requireNonNull(leases.take(outbox.name(), "relay", null, Duration.ofMinutes(1)));
        String error = dice.tried("error", dice.oneIn(3) ? dice.text(3_000) : dice.pieces(5));
        settle(claim, new Verdict.Retry(id, 0, dice.pick(Duration.ZERO, Duration.ofDays(36_525)), error));
        settle(claim, new Verdict.Dead(id, 1, error));
        requireStatus(Status.DEAD);
        if (event.key() != null) {
            FindingException.unlessEqual(
                    "the dead event's key",
                    List.of(new OutboxStore.DeadEvent(id, event.key())),
                    store.dead(Long.MIN_VALUE, 10));
        }
        requireFound(event, error, isFoundById);
        admin.errors();
        if (dice.oneIn(3)) {
            FindingException.unlessEqual(
                    "discarded events",
                    1L,
                    admin.discard(EventFilter.positions(id), change()).events());
            admin.audit();
            return;
        }
        FindingException.unlessEqual(
                "requeued events",
                1L,
                dice.oneIn(2)
                        ? admin.requeue(EventFilter.positions(id), change()).events()
                        : admin.requeue(EventFilter.status(Status.DEAD), change())
                                .events());
        requireStatus(Status.PENDING);
        settle(claim, new Verdict.Published(id, 0));
        requireStatus(Status.PUBLISHED);
        if (outbox.tracked()) {
            ReceiptStore.Received received = store.receive(
                    List.of(new Receipt.Failed(outbox.name(), id, event.eventId(), 0, error)),
                    RefusalPolicy.of(RetryPolicy.exponential(), new Random(1)));
            FindingException.unlessEqual("refusals that changed the row", 1, received.changed());
            store.receive(
                    List.of(new Receipt.Consumed(outbox.name(), id, event.eventId())),
                    RefusalPolicy.of(RetryPolicy.exponential(), new Random(1)));
            requireStatus(Status.CONSUMED);
        }
        store.backlog();
        store.forget(new RetentionRule(Duration.ZERO, false), Long.MIN_VALUE, 10);
    }

    private Change change() {
        return Change.by(dice.good(100), "reason " + dice.good(400)).id(dice.good(64));
    }

    private void settle(Claim claim, Verdict verdict) {
        OutboxStore.Settled settled = store.settle(claim, List.of(verdict));
        FindingException.unlessEqual("what was settled", new OutboxStore.Settled(1, Set.of()), settled);
    }

    private void requireStatus(Status status) {
        FindingException.unlessEqual(
                "events that are " + status, 1L, store.counts().getOrDefault(status, 0L));
    }

    /** Searches by everything that an operator may know about the event. */
    private void requireFound(StoredRow event, String error, boolean isFoundById) {
        for (EventFilter search : List.of(
                EventFilter.all(),
                EventFilter.status(Status.DEAD),
                EventFilter.all().type(event.type()),
                isFoundById ? EventFilter.all().eventId(event.eventId()) : EventFilter.all(),
                event.key() == null ? EventFilter.all() : EventFilter.all().key(event.key()))) {
            EventPage page = admin.search(search);
            FindingException.unlessEqual(
                    "the events found by '" + search + "'", 1, page.events().size());
            FoundEvent found = page.events().get(0);
            FindingException.unlessEqual("the found id", event.eventId(), found.eventId());
            FindingException.unlessEqual("the found key", event.key(), EnvelopeTarget.noneIfEmpty(found.key()));
            if (EventTable.of(outbox).has(Column.LAST_ERROR) && !error.isEmpty()) {
                FindingException.unless(found.error() != null, "a dead event says why");
            }
        }
        FindingException.unlessEqual(
                "the payload that operators see",
                EnvelopeTarget.text(event.payload()),
                admin.find(event.position())
                        .map(details -> EnvelopeTarget.text(Objects.requireNonNull(details.payload())))
                        .orElse(null));
    }
}
