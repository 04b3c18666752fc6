package dev.posthaste.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class InFlightWindowTest {
    private static final long MILLI = 1_000_000;
    private static final long SIZE = 1_000;

    private final InFlightWindow window = new InFlightWindow(Duration.ofSeconds(6));

    private InFlightWindow.Entry add(long now) {
        InFlightWindow.Entry entry = new InFlightWindow.Entry(SIZE, now, false);
        window.add(entry);
        return entry;
    }

    private int fill(long now, java.util.List<InFlightWindow.Entry> entries) {
        while (window.admits(SIZE, false, now)) {
            entries.add(add(now));
        }
        return entries.size();
    }

    private int round(long from, long took) {
        java.util.List<InFlightWindow.Entry> entries = new java.util.ArrayList<>();
        int count = fill(from, entries);
        entries.forEach(each -> window.acknowledged(each, from + took));
        return count;
    }

    @Test
    void quickRoundsLetMoreThroughUpToABound() {
        int first = round(0, 10 * MILLI);
        assertThat(first).isEqualTo((int) (InFlightWindow.FIRST_BYTES / SIZE));
        assertThat(round(20 * MILLI, 10 * MILLI)).isBetween(first * 2 - 2, first * 2 + 2);
        for (int i = 2; i < 40; i++) {
            round(i * 20 * MILLI, 10 * MILLI);
        }
        assertThat(window.limit()).isEqualTo(InFlightWindow.MAX_BYTES);
    }

    @Test
    void B19_slowRoundsHalveItAndTheNextTrainWaitsForTheOneBefore() {
        int first = round(0, 2_000 * MILLI);
        int second = round(3_000 * MILLI, 2_000 * MILLI);
        assertThat(second).isBetween(first / 2 - 1, first / 2 + 1);
        assertThat(window.limit()).isBetween(InFlightWindow.SLOW_BYTES, InFlightWindow.SLOW_BYTES + SIZE);
        assertThat(window.slow()).isTrue();
        InFlightWindow.Entry alone = add(10_000 * MILLI);
        assertThat(window.admits(SIZE, false, 10_004 * MILLI)).isTrue();
        assertThat(window.admits(SIZE, false, 10_006 * MILLI)).isFalse();
        window.acknowledged(alone, 10_100 * MILLI);
        assertThat(window.slow()).isFalse();
    }

    @Test
    void nothingIsAddedBehindARecordThatHasNoAnswerForHalfASecond() {
        add(0);
        assertThat(window.admits(SIZE, false, 499 * MILLI)).isTrue();
        assertThat(window.admits(SIZE, false, 501 * MILLI)).isFalse();
    }

    @Test
    void B19_withoutAnAnswerOnlyASingleRecordIsTriedUntilAnswersComeInTimeAgain() {
        InFlightWindow.Entry lost = add(0);
        window.unanswered(lost, 6_000 * MILLI);
        assertThat(window.limit()).isEqualTo(InFlightWindow.MIN_BYTES);
        assertThat(round(7_000 * MILLI, 3_000 * MILLI)).isEqualTo(1);
        for (int i = 0; i < 80; i++) {
            round((11_000 + i * 4_000L) * MILLI, 3_000 * MILLI);
        }
        assertThat(window.limit()).isGreaterThan(InFlightWindow.SLOW_BYTES - SIZE);
    }

    @Test
    void aRecordThatMustBeAloneWaitsForTheOthersAndTheyForIt() {
        InFlightWindow.Entry before = add(0);
        assertThat(window.admits(SIZE, true, 0)).isFalse();
        window.acknowledged(before, MILLI);
        assertThat(window.admits(10_000_000, true, MILLI)).isTrue();
        InFlightWindow.Entry alone = new InFlightWindow.Entry(10_000_000, MILLI, true);
        window.add(alone);
        assertThat(window.admits(SIZE, false, MILLI)).isFalse();
        window.refused(alone);
        assertThat(window.isEmpty()).isTrue();
    }
}
