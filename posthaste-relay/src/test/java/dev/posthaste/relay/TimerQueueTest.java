package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TimerQueueTest {
    private record Entry(long time, long number) {}

    private static List<Entry> drained(TimerQueue queue) {
        List<Entry> entries = new ArrayList<>();
        while (!queue.isEmpty()) {
            entries.add(new Entry(queue.firstTime(), queue.firstNumber()));
            queue.removeFirst();
        }
        return entries;
    }

    @Test
    void theEarliestComesFirstWhateverWasDroppedBetween() {
        for (long seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            TimerQueue queue = new TimerQueue();
            List<Entry> expected = new ArrayList<>();
            int size = random.nextInt(100);
            for (int i = 0; i < size; i++) {
                Entry entry = new Entry(random.nextInt(50), i);
                queue.add(entry.time(), entry.number());
                expected.add(entry);
            }
            int divisor = 1 + random.nextInt(3);
            queue.retain((time, number) -> number % divisor == 0);
            expected.removeIf(entry -> entry.number() % divisor != 0);
            assertThat(queue.size()).isEqualTo(expected.size());
            List<Entry> drained = drained(queue);
            assertThat(drained).isSortedAccordingTo(Comparator.comparingLong(Entry::time));
            assertThat(drained).containsExactlyInAnyOrderElementsOf(expected);
        }
    }

    @Test
    void anEntryIsDueFromItsTimeOn() {
        TimerQueue queue = new TimerQueue();
        assertThat(queue.isDue(Long.MAX_VALUE)).as("it is empty").isFalse();
        queue.add(100, 1);
        assertThat(queue.isDue(99)).isFalse();
        assertThat(queue.isDue(100)).isTrue();
    }

    /** {@link System#nanoTime} may overflow at any moment. */
    @Test
    void timesMayOverflow() {
        TimerQueue queue = new TimerQueue();
        long early = Long.MAX_VALUE - 10;
        long late = early + 20;
        queue.add(late, 2);
        queue.add(early, 1);
        assertThat(late).isNegative();
        assertThat(queue.isDue(early)).isTrue();
        assertThat(drained(queue)).containsExactly(new Entry(early, 1), new Entry(late, 2));
    }
}
