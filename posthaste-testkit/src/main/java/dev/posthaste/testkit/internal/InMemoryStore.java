package dev.posthaste.testkit.internal;

import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.IdRange;
import dev.posthaste.internal.store.LeaseLostException;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.Pending;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.store.ReceiptTarget;
import dev.posthaste.internal.store.ReceiptTarget.Meaning;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.internal.store.RetentionRule;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.internal.store.Writers;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A store in memory, for simulations: its clock is the test's, and it can fail, before or after it has written. It passes
 * the contracts of stores, and is the shortest example of what a store has to do. Thread-safe.
 */
public class InMemoryStore implements OutboxStore, ReceiptStore {
    private final TreeMap<Long, InMemoryEvent> events = new TreeMap<>();
    private final Set<Long> locked = new HashSet<>();
    private final boolean tracked;
    private final LongSupplier clock;
    private Predicate<Claim> holds = claim -> true;
    private Supplier<@Nullable Writers> writers = () -> null;
    private Random random = new Random(0);
    private double failing;

    /**
     * @param tracked whether events end as consumed
     * @param clock nanoseconds, monotonic
     */
    public InMemoryStore(boolean tracked, LongSupplier clock) {
        this.tracked = tracked;
        this.clock = clock;
    }

    /** Sets which claims are still valid; all are, until this is called. */
    public synchronized InMemoryStore claims(Predicate<Claim> holds) {
        this.holds = holds;
        return this;
    }

    /** Sets which transactions write; they are unknown until this is called. */
    public synchronized InMemoryStore writers(Supplier<@Nullable Writers> writers) {
        this.writers = writers;
        return this;
    }

    /** Lets this share of the calls fail. */
    public synchronized InMemoryStore failing(double share, Random random) {
        this.failing = share;
        this.random = random;
        return this;
    }

    /** Makes an event visible, as the commit of its transaction does. */
    public synchronized void commit(InMemoryEvent event) {
        events.put(event.id(), event);
    }

    /** Puts an event back to pending, as a receipt or an operator does. */
    public synchronized void putBack(long id) {
        Objects.requireNonNull(events.get(id)).putBack(clock.getAsLong());
    }

    /** Requeues what is dead. */
    public synchronized void requeueDead() {
        all().filter(event -> event.is(Status.DEAD)).forEach(event -> event.requeue(clock.getAsLong()));
    }

    /** Locks exactly these rows, as another transaction does. */
    public synchronized void lock(Collection<Long> ids) {
        locked.clear();
        locked.addAll(ids);
    }

    /** All events in id order. */
    public synchronized List<InMemoryEvent> events() {
        return List.copyOf(events.values());
    }

    // --- For other views of the same events, which hold this store's lock --------------------------------------------

    final long now() {
        return clock.getAsLong();
    }

    final Stream<InMemoryEvent> all() {
        return events.values().stream();
    }

    final Stream<InMemoryEvent> those(Collection<Long> ids) {
        return new TreeSet<>(ids).stream().map(events::get).filter(Objects::nonNull).toList().stream();
    }

    final void remove(InMemoryEvent event) {
        events.remove(event.id());
    }

    final @Nullable InMemoryEvent get(long id) {
        return events.get(id);
    }

    private void failNowAndThen() {
        if (failing > 0 && random.nextDouble() < failing) {
            throw new StoreException("failed, as the simulation requires", new SQLException());
        }
    }

    // --- Reading -----------------------------------------------------------------------------------------------------

    private Stream<InMemoryEvent> pendingAbove(long after) {
        return events.tailMap(after, false).values().stream().filter(event -> event.is(Status.PENDING));
    }

    @Override
    public synchronized List<Pending> fetch(long after, int limit, long maxBytes) {
        failNowAndThen();
        return fitting(pendingAbove(after).limit(limit).toList(), maxBytes, false);
    }

    /** Up to the first event that does not fit; at least one. */
    private List<Pending> fitting(List<InMemoryEvent> found, long maxBytes, boolean contentsOfAll) {
        long now = now();
        List<Pending> read = new ArrayList<>();
        long bytes = 0;
        for (InMemoryEvent event : found) {
            if (!contentsOfAll && event.dueAt - now > 0) {
                read.add(event.ref(now));
                continue;
            }
            if (event.bytes() > maxBytes - bytes && !read.isEmpty()) {
                return read;
            }
            bytes += event.bytes();
            read.add(event.read(now));
        }
        return read;
    }

    @Override
    public synchronized List<PendingRef> scan(long after, long through, int limit) {
        failNowAndThen();
        return after >= through
                ? List.of()
                : pendingAbove(after)
                        .takeWhile(event -> event.id() <= through)
                        .limit(limit)
                        .map(event -> event.ref(now()))
                        .toList();
    }

    @Override
    public synchronized List<PendingRef> scan(List<IdRange> ranges, int limit) {
        failNowAndThen();
        return ranges.stream()
                .flatMap(range -> events.subMap(range.first(), true, range.last(), true).values().stream())
                .filter(event -> event.is(Status.PENDING))
                .sorted((one, other) -> Long.compare(one.id(), other.id()))
                .limit(limit)
                .map(event -> event.ref(now()))
                .toList();
    }

    @Override
    public synchronized List<PendingEvent> load(Collection<Long> ids, long maxBytes) {
        failNowAndThen();
        List<InMemoryEvent> found =
                those(ids).filter(event -> event.is(Status.PENDING)).toList();
        return fitting(found, maxBytes, true).stream()
                .map(PendingEvent.class::cast)
                .toList();
    }

    @Override
    public synchronized @Nullable Writers writers() {
        failNowAndThen();
        return writers.get();
    }

    @Override
    public synchronized List<DeadEvent> dead(long after, int limit) {
        failNowAndThen();
        return events.tailMap(after, false).values().stream()
                .filter(event -> event.is(Status.DEAD) && event.key() != null)
                .limit(limit)
                .map(event -> new DeadEvent(event.id(), String.valueOf(event.key())))
                .toList();
    }

    @Override
    public synchronized OptionalLong lastId() {
        failNowAndThen();
        return events.isEmpty() ? OptionalLong.empty() : OptionalLong.of(events.lastKey());
    }

    @Override
    public synchronized Backlog backlog() {
        long dead = all().filter(event -> event.is(Status.DEAD)).count();
        List<InMemoryEvent> pending =
                all().filter(event -> event.is(Status.PENDING)).toList();
        long oldest = pending.stream()
                .mapToLong(event -> now() - event.writtenAt)
                .max()
                .orElse(0);
        return new Backlog(pending.size(), dead, Duration.ofNanos(oldest), Duration.ZERO);
    }

    // --- Settling ----------------------------------------------------------------------------------------------------

    @Override
    public synchronized Settled settle(Claim claim, List<Verdict> verdicts) {
        failNowAndThen();
        if (!holds.test(claim)) {
            throw new LeaseLostException(claim);
        }
        int written = 0;
        Set<Long> left = new HashSet<>();
        for (Verdict verdict : verdicts) {
            InMemoryEvent event = events.get(verdict.id());
            if (locked.contains(verdict.id())) {
                left.add(verdict.id());
            } else if (event != null && write(event, verdict)) {
                written++;
            }
        }
        failNowAndThen();
        return new Settled(written, left);
    }

    private boolean write(InMemoryEvent event, Verdict verdict) {
        boolean refused = verdict instanceof Verdict.Refused;
        if (event.is(Status.CONSUMED) && event.publishedAt == null && !refused) {
            event.publishedAt = now(); // its consumer was faster than the relay
            return true;
        }
        if (!event.is(Status.PENDING) || !event.countsWhatWasSeen(verdict.seen())) {
            return false;
        }
        if (verdict instanceof Verdict.Refused refusal) {
            event.refuse(refusal, now());
        } else {
            event.publish(now());
        }
        if (verdict instanceof Verdict.Consumed) {
            event.consume(now());
        }
        return true;
    }

    // --- Receipts ----------------------------------------------------------------------------------------------------

    @Override
    public synchronized Received receive(List<Receipt> receipts, RefusalPolicy policy) {
        failNowAndThen();
        int changed = 0;
        Set<Receipt> left = new HashSet<>();
        Map<Receipt, String> unmatched = new LinkedHashMap<>();
        for (Receipt receipt : receipts) {
            InMemoryEvent event = events.get(receipt.row());
            Meaning meaning = ReceiptTarget.meaning(receipt, event == null ? null : event.target());
            if (meaning instanceof Meaning.Unmatched nothing) {
                unmatched.put(receipt, nothing.why());
            } else if (meaning instanceof Meaning.Change && locked.contains(receipt.row())) {
                left.add(receipt);
            } else if (meaning instanceof Meaning.Change && event != null) {
                write(event, receipt, policy);
                changed++;
            }
        }
        failNowAndThen();
        return new Received(changed, left, unmatched);
    }

    private void write(InMemoryEvent event, Receipt receipt, RefusalPolicy policy) {
        if (receipt instanceof Receipt.Refusal refusal) {
            ReceiptTarget target = event.target();
            event.refuse(policy.decide(event.id(), target.seen(), event.maxAttempts, refusal), now());
        } else {
            event.consume(now());
        }
    }

    @Override
    public synchronized Set<Long> republish(Collection<Long> ids) {
        failNowAndThen();
        Set<Long> again = new TreeSet<>();
        those(ids)
                .filter(event -> event.is(Status.PUBLISHED) && !locked.contains(event.id()))
                .forEach(event -> {
                    event.putBack(now());
                    again.add(event.id());
                });
        return again;
    }

    private List<InMemoryEvent> publishedBefore(Duration limit) {
        return all().filter(event -> event.is(Status.PUBLISHED) && now() - event.changedAt > limit.toNanos())
                .toList();
    }

    @Override
    public synchronized Unconsumed unconsumed(Duration limit) {
        failNowAndThen();
        List<InMemoryEvent> found = publishedBefore(limit);
        long oldest =
                found.stream().mapToLong(event -> now() - event.changedAt).max().orElse(0);
        return new Unconsumed(found.size(), Duration.ofNanos(oldest));
    }

    @Override
    public synchronized List<Long> passedOver(Duration limit, long after, int most) {
        failNowAndThen();
        Long newest = null;
        for (InMemoryEvent event : events.descendingMap().values()) {
            if (event.is(Status.CONSUMED) && event.publishedAt != null) {
                newest = event.publishedAt;
                break;
            }
        }
        if (newest == null) {
            return List.of();
        }
        long passedAt = newest;
        return publishedBefore(limit).stream()
                .filter(event -> event.changedAt - passedAt < 0 && event.id() > after)
                .map(InMemoryEvent::id)
                .limit(most)
                .toList();
    }

    // --- Forgetting --------------------------------------------------------------------------------------------------

    @Override
    public synchronized Forgotten forget(RetentionRule rule, long after, int limit) {
        failNowAndThen();
        Set<Status> ended = tracked ? EnumSet.of(Status.CONSUMED) : EnumSet.of(Status.PUBLISHED, Status.CONSUMED);
        if (rule.deadToo()) {
            ended.add(Status.DEAD);
        }
        return forget(rule.keep(), after, ended, limit);
    }

    /** Looks only at the next {@code limit} events. */
    final Forgotten forget(Duration keep, long after, Collection<Status> ended, int limit) {
        long keepNanos = keep.toNanos();
        List<InMemoryEvent> next =
                events.tailMap(after, false).values().stream().limit(limit).toList();
        List<InMemoryEvent> old = next.stream()
                .filter(event -> ended.contains(event.status) && now() - event.changedAt > keepNanos)
                .toList();
        old.forEach(this::remove);
        InMemoryEvent last = next.isEmpty() ? null : next.get(next.size() - 1);
        boolean more = last != null && next.size() == limit && now() - last.writtenAt > keepNanos;
        return new Forgotten(old.size(), last == null ? after : last.id(), more);
    }
}
