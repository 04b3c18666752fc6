package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.internal.store.IdRange;
import dev.posthaste.internal.store.Writers;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class GapsTest {
    private final Gaps gaps = new Gaps();

    private void list(String... transactions) {
        gaps.listed(new Writers("server", Set.of(transactions)));
    }

    @Test
    void remembersExactlyTheIdsThatWereNeverSeen() {
        Random random = new Random(42);
        for (int round = 0; round < 200; round++) {
            Gaps some = new Gaps();
            TreeSet<Long> missing = new TreeSet<>();
            long highest = 0;
            for (int i = 0; i < 50; i++) {
                long next = highest + 1 + random.nextInt(6);
                some.seen(highest, next);
                for (long id = highest + 1; id < next; id++) {
                    missing.add(id);
                }
                highest = next;
                long any = 1 + random.nextLong(highest);
                some.filled(any);
                missing.remove(any);
            }
            TreeSet<Long> remembered = new TreeSet<>();
            for (IdRange range : some.ranges()) {
                for (long id = range.first(); id <= range.last(); id++) {
                    remembered.add(id);
                }
            }
            assertThat(remembered).isEqualTo(missing);
        }
    }

    @Test
    void everythingBelowTheFirstEventIsAGap() {
        gaps.seen(Long.MIN_VALUE, -3);
        assertThat(gaps.ranges()).containsExactly(new IdRange(Long.MIN_VALUE, -4));
    }

    @Test
    void A03_noGapIsEverDropped() {
        for (long id = 2; id <= 100_000; id += 2) {
            gaps.seen(id - 2, id);
        }
        assertThat(gaps.ranges()).hasSizeLessThanOrEqualTo(Gaps.MAX_RANGES);
        for (long id = 1; id < 100_000; id += 2) {
            assertThat(gaps.contains(id)).as("id %d", id).isTrue();
        }
    }

    @Test
    void aGapIsClosedWhenThoseThatMayFillItHaveEndedAndItWasReadAgain() {
        gaps.seen(1, 5);
        list("a", "b");
        gaps.looked();
        list("b", "c");
        gaps.looked();
        list("b", "c");
        gaps.looked();
        assertThat(gaps.isEmpty()).as("b may fill it").isFalse();
        list("c");
        gaps.looked();
        assertThat(gaps.isEmpty())
                .as("a single list may miss a transaction that is being prepared")
                .isFalse();
        list("c");
        assertThat(gaps.isEmpty())
                .as("b may have filled it since it was last read")
                .isFalse();
        gaps.looked();
        assertThat(gaps.isEmpty()).isTrue();
    }

    @Test
    void withoutAnyWriterAGapIsClosedAtTheNextLook() {
        gaps.seen(1, 5);
        gaps.looked();
        list();
        gaps.seen(5, 9);
        gaps.looked();
        assertThat(gaps.ranges()).containsExactly(new IdRange(6, 8));
    }

    @Test
    void aListFromAfterARestartBeginsTheProofAgain() {
        gaps.seen(1, 5);
        list("3/84");
        gaps.looked();
        for (int i = 0; i < 3; i++) {
            gaps.listed(new Writers("restarted", Set.of("-1/14603")));
            gaps.looked();
        }
        assertThat(gaps.isEmpty()).isFalse();
    }

    @Test
    void whileTransactionsStayOpenNothingIsClosedAndAfterThemEverythingIs() {
        for (int i = 1; i <= 500; i++) {
            gaps.seen(10L * i, 10L * i + 5);
            list("old", "t" + i);
            gaps.looked();
        }
        assertThat(gaps.ranges()).hasSize(500);
        for (int i = 0; i < 3; i++) {
            list();
            gaps.looked();
        }
        assertThat(gaps.isEmpty()).isTrue();
    }

    @Test
    void whatIsMergedKeepsItsProof() {
        gaps.seen(1, 5);
        list("old");
        gaps.looked();
        for (long id = 10; id <= 10 + 4 * Gaps.MAX_RANGES; id += 2) {
            gaps.seen(id - 2, id);
        }
        for (int i = 0; i < 4; i++) {
            list("old");
            gaps.looked();
        }
        assertThat(gaps.contains(3)).isTrue();
        for (int i = 0; i < 3; i++) {
            list();
            gaps.looked();
        }
        assertThat(gaps.isEmpty()).isTrue();
    }
}
