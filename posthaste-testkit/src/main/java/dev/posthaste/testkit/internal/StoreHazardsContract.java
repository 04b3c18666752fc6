package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.store.IdRange;
import dev.posthaste.internal.store.Pending;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.internal.store.Writers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What every store must do with large events and late commits, and what it must report about its writers. */
public abstract class StoreHazardsContract extends OutboxContract {
    protected StoreHazardsContract(StoreSource source) {
        super(source);
    }

    /** The texts of those that were read with their contents. */
    static List<String> texts(List<? extends Pending> events) {
        return events.stream()
                .filter(PendingEvent.class::isInstance)
                .map(each -> new String(((PendingEvent) each).event().payload(), StandardCharsets.UTF_8))
                .map(json -> json.replaceAll("^\"|\"$", ""))
                .toList();
    }

    // --- Large events ------------------------------------------------------------------------------------------------

    @Test
    void A07_contentsAreReadOnlyWhenTheyAreDueAndFit() throws Exception {
        String large = "x".repeat(50_000);
        write(event("a", "small"));
        write(event("b", large + 1));
        write(event("c", large).delay(Duration.ofHours(1)));
        write(event("d", large + 2));
        write(event("e", "last"));
        List<Pending> all = store.fetch(Long.MIN_VALUE, 100, ALL);
        assertThat(all).hasSize(5);
        assertThat(all.get(2)).isInstanceOf(PendingRef.class);
        assertThat(all.get(2).waitNanos()).isPositive();
        assertThat(texts(all)).containsExactly("small", large + 1, large + 2, "last");
        assertThat(store.fetch(Long.MIN_VALUE, 100, 60_000))
                .as("the next due one does not fit")
                .hasSize(3);
        assertThat(store.fetch(Long.MIN_VALUE, 2, ALL)).hasSize(2);
        assertThat(texts(store.fetch(all.get(2).id(), 100, 10)))
                .as("at least one")
                .containsExactly(large + 2);
        List<Long> ids = all.stream().map(Pending::id).toList();
        assertThat(texts(store.load(ids, ALL))).containsExactly("small", large + 1, large, large + 2, "last");
        assertThat(texts(store.load(ids, 120_000))).containsExactly("small", large + 1, large);
        assertThat(store.load(List.of(ids.get(1), -1L), 1)).hasSize(1);
    }

    @Test
    void A07_largeHeadersCountToo() throws Exception {
        if (!keeps(Column.HEADERS)) {
            return;
        }
        for (int i = 0; i < 3; i++) {
            Event builder = event("k" + i, "small");
            for (int j = 0; j < 10; j++) {
                builder = builder.header("header-" + j, "x".repeat(4_000));
            }
            write(builder);
        }
        List<Pending> two = store.fetch(Long.MIN_VALUE, 10, 100_000);
        assertThat(two)
                .hasSize(2)
                .allSatisfy(each -> assertThat(Objects.requireNonNull(
                                ((PendingEvent) each).event().headers()))
                        .hasSizeGreaterThan(40_000));
    }

    // --- Looking behind ----------------------------------------------------------------------------------------------

    @Test
    void A03_manyRangesAreLookedIntoAtOnce() throws Exception {
        for (int i = 0; i < 40; i++) {
            write(event("key-" + i, "x").delay(Duration.ofHours(i % 2)));
        }
        List<Long> ids = pending().stream().map(PendingEvent::id).toList();
        store.settle(take("me"), List.of(new Verdict.Published(ids.get(20), 0)));
        List<IdRange> ranges = new ArrayList<>();
        for (int i = 39; i >= 10; i -= 3) {
            ranges.add(new IdRange(ids.get(i), ids.get(i)));
        }
        for (int i = 0; i < 600; i++) {
            ranges.add(new IdRange(1_000_000 + i * 2, 1_000_000 + i * 2));
        }
        ranges.add(new IdRange(ids.get(2), ids.get(5)));
        List<Long> expected = List.of(2, 3, 4, 5, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39).stream()
                .map(ids::get)
                .toList();
        List<PendingRef> found = store.scan(ranges, 100);
        assertThat(found).extracting(PendingRef::id).isEqualTo(expected);
        if (keeps(Column.KEY)) {
            assertThat(found.get(0).key()).isEqualTo("key-2");
        }
        assertThat(found.get(0).waitNanos()).isLessThanOrEqualTo(rounding().toNanos());
        assertThat(found.get(1).waitNanos()).isPositive();
        assertThat(store.scan(ranges, 3)).extracting(PendingRef::id).isEqualTo(expected.subList(0, 3));
        assertThat(store.scan(List.of(), 3)).isEmpty();
    }

    @Test
    void A03_whoWritesIsListedUntilItEnds() throws Exception {
        Writers before = store.writers();
        if (before == null) {
            return; // a store may not know
        }
        if (hasOneWriter()) {
            aGapIsFinalAtOnce();
            return;
        }
        try (OpenStore.Writing first = beginWriting();
                OpenStore.Writing second = beginWriting()) {
            first.write(event("a", "1"));
            second.write(event("b", "2"));
            Set<String> both = writing();
            assertThat(both).hasSizeGreaterThanOrEqualTo(2);
            first.commit();
            Set<String> one = new HashSet<>(both);
            until("the first has ended", () -> one.retainAll(writing()), () -> one.size() == both.size() - 1);
            second.close();
            until("the second has ended", () -> one.retainAll(writing()), one::isEmpty);
        }
        assertThat(Objects.requireNonNull(store.writers()).server()).isEqualTo(before.server());
    }

    /** A transaction with a lower id commits before a higher one can be taken, so none is listed. */
    private void aGapIsFinalAtOnce() throws Exception {
        OpenStore.Writing first = beginWriting();
        first.write(event("a", "rolled back"));
        assertThat(writing()).isEmpty();
        behind(first, false, () -> {
            write("b", "kept");
            return true;
        });
        assertThat(pending()).hasSize(1);
        assertThat(writing()).isEmpty();
    }

    private Set<String> writing() {
        return Objects.requireNonNull(store.writers()).transactions();
    }
}
