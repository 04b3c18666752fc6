package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class GapsTest {

    @Test
    void remembersExactlyTheIdsThatWereNeverSeen() {
        Random random = new Random(42);
        for (int round = 0; round < 200; round++) {
            Gaps gaps = new Gaps();
            TreeSet<Long> missing = new TreeSet<>();
            long highest = 0;
            for (int i = 0; i < 50; i++) {
                long next = highest + 1 + random.nextInt(6);
                gaps.seen(highest, next);
                for (long id = highest + 1; id < next; id++) {
                    missing.add(id);
                }
                highest = next;
                long any = 1 + random.nextLong(highest);
                gaps.filled(any);
                missing.remove(any);
            }
            assertThat(gaps.size()).isEqualTo(missing.size());
            assertThat(gaps.latest(Integer.MAX_VALUE)).containsExactlyElementsOf(missing.descendingSet());
            if (!missing.isEmpty()) {
                assertThat(gaps.lowest()).isEqualTo(missing.first());
                assertThat(gaps.highest()).isEqualTo(missing.last());
                assertThat(gaps.latest(1)).isEqualTo(List.of(missing.last()));
            }
        }
    }

    @Test
    void forgetsTheOldestWhenThereAreTooMany() {
        Gaps gaps = new Gaps();
        for (long id = 2; id <= 40_002; id += 2) {
            gaps.seen(id - 2, id);
        }
        assertThat(gaps.size()).isEqualTo(10_000);
        assertThat(gaps.highest()).isEqualTo(40_001);
    }
}
