package dev.posthaste.relay;

import dev.posthaste.internal.jdbc.LeaseTable.Candidate;
import dev.posthaste.internal.jdbc.LeaseTable.Row;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which outboxes a relay should take, and which it should release, so that each relay has its fair share. Pure: every
 * relay decides for itself from the same rows, and the lease's compare-and-set settles ties.
 *
 * @param take free outboxes that no other relay has a better claim to
 * @param release an outbox for a relay that has at least two fewer, or null
 */
record Balance(List<String> take, @Nullable String release) {

    static Balance of(String self, Collection<String> outboxes, List<Row> rows, List<Candidate> candidates) {
        Map<String, Row> leases = new HashMap<>();
        Map<String, Integer> load = new HashMap<>();
        for (Row row : rows) {
            leases.put(row.outbox(), row);
            if (!row.free()) {
                load.merge(row.owner(), 1, Integer::sum);
            }
        }
        List<String> take = new ArrayList<>();
        String release = null;
        for (String outbox : outboxes) {
            Row row = leases.get(outbox);
            if (row != null && row.paused()) {
                continue;
            }
            int least = leastLoadOfOthers(self, outbox, candidates, load);
            int own = load.getOrDefault(self, 0);
            if (row == null || row.free()) {
                if (own <= least) {
                    take.add(outbox);
                    load.merge(self, 1, Integer::sum);
                }
            } else if (row.owner().equals(self) && own >= 2 && least <= own - 2) {
                release = outbox;
            }
        }
        return new Balance(take, take.isEmpty() ? release : null);
    }

    private static int leastLoadOfOthers(
            String self, String outbox, List<Candidate> candidates, Map<String, Integer> load) {
        int least = Integer.MAX_VALUE;
        for (Candidate candidate : candidates) {
            if (candidate.outbox().equals(outbox) && !candidate.relay().equals(self)) {
                least = Math.min(least, load.getOrDefault(candidate.relay(), 0));
            }
        }
        return least;
    }
}
