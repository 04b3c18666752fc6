package dev.posthaste.relay;

import dev.posthaste.internal.store.IdRange;
import dev.posthaste.internal.store.Writers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The ranges of ids below the highest in which a pending event may yet appear: transactions that are still open took ids
 * there. Confined to the pump's thread.
 *
 * <p>A range is closed by proof, never by time or number. When it is found, the transactions that have a write lock on the
 * table are listed; each of them may fill it, no later one can. When all of them have ended and the range was read once
 * more after that, nothing more will appear in it. Transactions are identified by names that may change when the server
 * restarts, so a list from another server, or from before a restart, starts the proof again.
 *
 * <p>Where the database does not list them, ranges stay open. When there are too many, neighbours are merged, so that what
 * lies between them is read again too; none is ever dropped.
 */
final class Gaps {
    /** How many ranges are remembered before neighbours are merged. */
    static final int MAX_RANGES = 2_000;

    private static final int MAX_GENERATIONS = 32;

    private final TreeMap<Long, Range> ranges = new TreeMap<>();
    private final List<Generation> generations = new ArrayList<>();
    private Generation newest = new Generation();

    /** Ids from the map's key to {@code last}. */
    private record Range(long last, Generation generation) {}

    /** Ranges that were found between two lists, and the transactions that may still fill them. */
    private static final class Generation {
        /** Null until they were listed. */
        @Nullable
        Set<String> transactions;

        @Nullable
        String server;

        /** Those that the last list did not name; a second one must not name them either. */
        Set<String> missing = Set.of();

        /** No transaction can fill them any more; what was filled before is seen at the next look. */
        boolean ended;
    }

    /** {@code next} was seen right after {@code last}. */
    void seen(long last, long next) {
        if (next > last + 1 || last == Long.MIN_VALUE && next > last) {
            ranges.put(last == Long.MIN_VALUE ? last : last + 1, new Range(next - 1, newest));
            if (ranges.size() > MAX_RANGES) {
                mergeNeighbours();
            }
        }
    }

    /** The id turned up. */
    void filled(long id) {
        Map.Entry<Long, Range> found = ranges.floorEntry(id);
        if (found == null || found.getValue().last() < id) {
            return;
        }
        Range range = found.getValue();
        ranges.remove(found.getKey());
        if (found.getKey() < id) {
            ranges.put(found.getKey(), new Range(id - 1, range.generation()));
        }
        if (id < range.last()) {
            ranges.put(id + 1, range);
        }
    }

    /** From now on anything may appear up to {@code highest}. */
    void reopen(long highest) {
        ranges.clear();
        generations.clear();
        newest = new Generation();
        ranges.put(Long.MIN_VALUE, new Range(highest, newest));
    }

    boolean isEmpty() {
        return ranges.isEmpty();
    }

    boolean contains(long id) {
        Map.Entry<Long, Range> found = ranges.floorEntry(id);
        return found != null && found.getValue().last() >= id;
    }

    /** All ranges, in order. */
    List<IdRange> ranges() {
        List<IdRange> all = new ArrayList<>(ranges.size());
        ranges.forEach((first, range) -> all.add(new IdRange(first, range.last())));
        return all;
    }

    // --- Proof -------------------------------------------------------------------------------------------------------

    /** All ranges were read once more: those that no transaction could still fill before that are closed. */
    void looked() {
        ranges.values().removeIf(range -> range.generation().ended);
        generations.removeIf(generation -> generation.ended);
    }

    /** The transactions that have a write lock now; to be called after {@link #looked}, with a list made after that. */
    void listed(Writers writers) {
        for (Generation generation : generations) {
            listed(generation, writers);
        }
        boolean used = ranges.values().stream().anyMatch(range -> range.generation() == newest);
        if (used) {
            listed(newest, writers);
            generations.add(newest);
            newest = new Generation();
            mergeGenerations();
        }
    }

    private static void listed(Generation generation, Writers writers) {
        if (generation.ended) {
            return; // the next look closes it
        }
        if (generation.transactions == null || !writers.server().equals(generation.server)) {
            generation.transactions = new HashSet<>(writers.transactions());
            generation.server = writers.server();
            generation.missing = Set.of();
        } else {
            Set<String> missing = new HashSet<>(generation.transactions);
            missing.removeAll(writers.transactions());
            Set<String> twice = new HashSet<>(missing);
            twice.retainAll(generation.missing);
            generation.transactions.removeAll(twice);
            generation.missing = missing;
        }
        generation.ended = generation.transactions.isEmpty();
    }

    // --- Keeping it small --------------------------------------------------------------------------------------------

    private void mergeGenerations() {
        for (int i = generations.size() - 1; i > 0; i--) {
            Generation later = generations.get(i);
            Generation earlier = generations.get(i - 1);
            boolean alike = Objects.equals(later.transactions, earlier.transactions)
                    && Objects.equals(later.server, earlier.server)
                    && later.ended == earlier.ended;
            if (alike || generations.size() > MAX_GENERATIONS && i == 1) {
                merge(earlier, later);
                generations.remove(i);
            }
        }
    }

    /** What may fill either of them. */
    private void merge(Generation into, Generation from) {
        ranges.replaceAll((first, range) -> range.generation() == from ? new Range(range.last(), into) : range);
        into.ended &= from.ended;
        into.missing = Set.of();
        if (into.transactions != null && from.transactions != null && Objects.equals(into.server, from.server)) {
            into.transactions.addAll(from.transactions);
        } else {
            into.transactions = null;
            into.ended = false;
        }
    }

    /** Merges the half of the ranges that are nearest to each other, and all proofs into one. */
    private void mergeNeighbours() {
        generations.clear();
        newest = new Generation();
        List<IdRange> all = ranges();
        long[] distances = new long[all.size() - 1];
        for (int i = 1; i < all.size(); i++) {
            long distance = all.get(i).first() - all.get(i - 1).last();
            distances[i - 1] = distance < 0 ? Long.MAX_VALUE : distance;
        }
        long[] sorted = distances.clone();
        Arrays.sort(sorted);
        long near = sorted[sorted.length / 2];
        ranges.clear();
        long first = all.get(0).first();
        long last = all.get(0).last();
        for (int i = 1; i < all.size(); i++) {
            IdRange next = all.get(i);
            if (distances[i - 1] > near) {
                ranges.put(first, new Range(last, newest));
                first = next.first();
            }
            last = next.last();
        }
        ranges.put(first, new Range(last, newest));
    }
}
