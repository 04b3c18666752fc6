package dev.posthaste.internal.store;

import dev.posthaste.StoreException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Consumers' receipts for the events of one tracked outbox. Not every store can have one: an outbox whose events are
 * never written to again has no place for it. Thread-safe. All methods throw {@link StoreException} when the database
 * fails.
 */
public interface ReceiptStore {

    /**
     * Writes receipts in one transaction. Needs no claim: each receipt is judged by the event itself.
     *
     * <p>A consumed receipt makes a pending, published or dead event consumed. A refusal changes an event that is open and
     * counts the attempts and the generation that the receipt names, or that it does not name. Where the event already
     * records the same, or has counted a later attempt or generation, the refusal is outdated and changes nothing.
     * {@link ReceiptTarget#meaning} is that rule, for every store.
     *
     * @param policy decides what follows a refusal
     */
    Received receive(List<Receipt> receipts, RefusalPolicy policy);

    /**
     * Puts those of {@code ids} that are published back to pending, due now, with attempts and generation as they were:
     * they were not refused. Those that another transaction has locked are left out.
     *
     * @return those that are pending now
     */
    Set<Long> republish(Collection<Long> ids);

    /**
     * How many events were published longer than {@code limit} ago and not consumed since, and the age of the oldest of
     * them.
     */
    Unconsumed unconsumed(Duration limit);

    /**
     * Those of these events that their consumer has passed, with ids above {@code after}, in id order: the newest event
     * that is consumed was published later than they were, so the consumer is neither unavailable nor behind. A store
     * may look for such a consumed event only among the newest; without one, there are none.
     *
     * @param most the largest number of events to return
     */
    List<Long> passedOver(Duration limit, long after, int most);

    /**
     * The result of writing receipts. Those in neither collection have changed their event, or it already records the
     * same or something newer.
     *
     * @param changed how many changed their event
     * @param locked those whose events another transaction has locked; write them again later
     * @param unmatched refusals that no event records, each with the reason: the event is gone, is another, was
     *     consumed or dead before; and receipts that the database refuses even without an error text. They would change
     *     nothing the next time either
     */
    record Received(int changed, Set<Receipt> locked, Map<Receipt, String> unmatched) {}

    /** @param oldestAge since the oldest of them was published; zero without one */
    record Unconsumed(long events, Duration oldestAge) {}
}
