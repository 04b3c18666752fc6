package dev.posthaste.relay;

import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.IdRange;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.JournalException;
import dev.posthaste.journal.Pending;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import dev.posthaste.journal.Receipt;
import dev.posthaste.journal.StoredEvent;
import dev.posthaste.journal.Verdict;
import dev.posthaste.journal.Writers;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A journal in memory that fails now and then, before or after it has written. For simulations on one thread. */
class MemoryJournal implements Journal {
    private final TreeMap<Long, Row> rows = new TreeMap<>();
    private final LongSupplier clock;
    private final Random random;
    private final double failing;
    /** Rows that another transaction has locked. */
    final Set<Long> locked = new HashSet<>();
    /** The transactions that have a write lock; without a value the database does not tell. */
    Supplier<@Nullable Writers> writers = () -> null;

    /** A committed row. */
    static final class Row {
        final long id;
        final @Nullable String key;
        final @Nullable String destination;
        Status status = Status.PENDING;
        int attempts;
        long dueAt;

        Row(long id, @Nullable String key, long dueAt) {
            this(id, key, null, dueAt);
        }

        Row(long id, @Nullable String key, @Nullable String destination, long dueAt) {
            this.id = id;
            this.key = key;
            this.destination = destination;
            this.dueAt = dueAt;
        }
    }

    MemoryJournal(LongSupplier clock, Random random, double failing) {
        this.clock = clock;
        this.random = random;
        this.failing = failing;
    }

    void commit(Row row) {
        rows.put(row.id, row);
    }

    /** As a receipt or an operator puts an event back. */
    void requeueAt(long id, long dueAt) {
        Row row = java.util.Objects.requireNonNull(rows.get(id));
        row.status = Status.PENDING;
        row.dueAt = dueAt;
    }

    Collection<Row> rows() {
        return rows.values();
    }

    private void failNowAndThen() {
        if (random.nextDouble() < failing) {
            throw new JournalException("failed, as the simulation wants", new SQLException());
        }
    }

    private List<Row> pending(Collection<Row> of, int limit) {
        return of.stream()
                .filter(row -> row.status == Status.PENDING)
                .limit(limit)
                .toList();
    }

    private PendingEvent read(Row row) {
        StoredEvent event =
                new StoredEvent(row.id, "e-" + row.id, "t", "v1", row.key, row.destination, null, null, new byte[] {1});
        return new PendingEvent(event, row.attempts, null, row.dueAt - clock.getAsLong(), 0);
    }

    @Override
    public List<Pending> fetch(long after, int limit, long maxBytes) {
        failNowAndThen();
        return pending(rows.tailMap(after, false).values(), limit).stream()
                .<Pending>map(row -> row.dueAt - clock.getAsLong() > 0 ? mark(row) : read(row))
                .toList();
    }

    private PendingMark mark(Row row) {
        return new PendingMark(row.id, row.key, row.dueAt - clock.getAsLong());
    }

    @Override
    public List<PendingMark> scan(List<IdRange> ranges, int limit) {
        List<PendingMark> marks = new ArrayList<>();
        for (IdRange range : ranges) {
            rows.subMap(range.first(), true, range.last(), true).values().stream()
                    .filter(row -> row.status == Status.PENDING)
                    .limit(limit - marks.size())
                    .forEach(row -> marks.add(mark(row)));
        }
        return marks;
    }

    @Override
    public @Nullable Writers writers() {
        failNowAndThen();
        return writers.get();
    }

    @Override
    public List<PendingMark> scan(long after, long through, int limit) {
        failNowAndThen();
        return after >= through
                ? List.of()
                : pending(rows.subMap(after, false, through, true).values(), limit).stream()
                        .map(this::mark)
                        .toList();
    }

    @Override
    public List<PendingEvent> load(Collection<Long> ids, long maxBytes) {
        failNowAndThen();
        List<Row> found = new ArrayList<>();
        ids.stream().sorted().filter(rows::containsKey).forEach(id -> found.add(rows.get(id)));
        return pending(found, found.size()).stream().map(this::read).toList();
    }

    @Override
    public Settled settle(Claim claim, List<Verdict> verdicts) {
        failNowAndThen();
        int written = 0;
        Set<Long> left = new HashSet<>();
        for (Verdict verdict : verdicts) {
            if (locked.contains(verdict.id())) {
                left.add(verdict.id());
                continue;
            }
            Row row = rows.get(verdict.id());
            if (row == null || row.status != Status.PENDING || row.attempts != verdict.seenAttempts()) {
                continue;
            }
            written++;
            if (verdict instanceof Verdict.Retry retry) {
                row.attempts = retry.attempts();
                row.dueAt = clock.getAsLong() + retry.delay().toNanos();
            } else {
                row.status = verdict instanceof Verdict.Published ? Status.PUBLISHED : Status.DEAD;
            }
        }
        failNowAndThen();
        return new Settled(written, left);
    }

    @Override
    public Received receive(List<Receipt> receipts, RetryPolicy retry) {
        int changed = 0;
        for (Receipt receipt : receipts) {
            Row row = rows.get(receipt.row());
            if (row == null || row.status == Status.CONSUMED) {
                continue;
            }
            if (receipt instanceof Receipt.Consumed) {
                row.status = Status.CONSUMED;
                changed++;
            } else if (row.status != Status.DEAD
                    && receipt instanceof Receipt.Failed failed
                    && Integer.valueOf(row.attempts).equals(failed.seenAttempts())) {
                row.status = Status.PENDING;
                row.attempts++;
                row.dueAt =
                        clock.getAsLong() + retry.delay(row.attempts, random).toNanos();
                changed++;
            }
        }
        return new Received(changed, Set.of(), Map.of());
    }

    @Override
    public Set<Long> republish(Collection<Long> ids) {
        return Set.of();
    }

    @Override
    public Unconsumed unconsumed(Duration limit) {
        return new Unconsumed(0, Duration.ZERO);
    }

    @Override
    public List<Long> passedOver(Duration limit, long after, int most) {
        return List.of();
    }

    @Override
    public List<DeadEvent> dead(long after, int limit) {
        return rows.tailMap(after, false).values().stream()
                .filter(row -> row.status == Status.DEAD && row.key != null)
                .limit(limit)
                .map(row -> new DeadEvent(row.id, String.valueOf(row.key)))
                .toList();
    }

    @Override
    public OptionalLong lastId() {
        return rows.isEmpty() ? OptionalLong.empty() : OptionalLong.of(rows.lastKey());
    }

    @Override
    public Map<Status, Long> counts() {
        Map<Status, Long> counts = new EnumMap<>(Status.class);
        rows.values().forEach(row -> counts.merge(row.status, 1L, Long::sum));
        return counts;
    }

    @Override
    public Backlog backlog() {
        return new Backlog(counts().getOrDefault(Status.PENDING, 0L), 0, Duration.ZERO, Duration.ZERO);
    }

    @Override
    public int requeue(Collection<Long> ids) {
        int requeued = 0;
        for (Long id : ids) {
            Row row = rows.get(id);
            if (row != null && row.status == Status.DEAD) {
                row.status = Status.PENDING;
                row.attempts = 0;
                row.dueAt = clock.getAsLong();
                requeued++;
            }
        }
        return requeued;
    }

    @Override
    public Purged purge(long after, Duration keep, Collection<Status> statuses, int batch) {
        throw new UnsupportedOperationException();
    }
}
