package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.relay.WaitingKeys.State;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class WaitingKeysTest {
    private static final List<State> WITHOUT_A_TIME = List.of(State.ROOM, State.OPERATOR, State.CATCH_UP);

    private record Known(long first, State state, long at) {}

    /** Compared with a map, with keys that share slots. */
    @Test
    void knowsWhatAMapKnows() {
        for (long seed = 0; seed < 50; seed++) {
            Random random = new Random(seed);
            WaitingKeys waiting = new WaitingKeys();
            Map<Long, Known> model = new HashMap<>();
            for (int i = 0; i < 3_000; i++) {
                long key = random.nextInt(400) * (random.nextBoolean() ? 1L : 1L << 33);
                int slot = waiting.find(key);
                assertThat(slot >= 0).isEqualTo(model.containsKey(key));
                switch (random.nextInt(4)) {
                    case 0 -> {
                        if (slot >= 0) {
                            waiting.remove(slot);
                            model.remove(key);
                        }
                    }
                    case 1 -> {
                        long at = random.nextInt(1_000);
                        waiting.put(key, i, WaitingKeys.NONE);
                        waiting.waitUntil(waiting.find(key), at);
                        model.put(key, new Known(i, State.TIME, at));
                    }
                    default -> {
                        State state = WITHOUT_A_TIME.get(random.nextInt(WITHOUT_A_TIME.size()));
                        waiting.put(key, i, WaitingKeys.NONE);
                        waiting.setState(waiting.find(key), state, 0);
                        model.put(key, new Known(i, state, 0));
                    }
                }
            }
            check(waiting, model);
        }
    }

    private static void check(WaitingKeys waiting, Map<Long, Known> model) {
        assertThat(waiting.size()).isEqualTo(model.size());
        model.forEach((key, known) -> {
            int slot = waiting.find(key);
            assertThat(new Known(waiting.first(slot), waiting.state(slot), waiting.at(slot)))
                    .isEqualTo(known);
        });
        for (State state : State.values()) {
            TreeSet<Long> keys = new TreeSet<>();
            waiting.each(state, keys::add);
            assertThat(keys).hasSize(waiting.size(state));
            keys.forEach(key -> assertThat(waiting.state(waiting.find(key))).isEqualTo(state));
        }
        long last = Long.MIN_VALUE;
        int woken = 0;
        while (waiting.hasDue(Long.MAX_VALUE / 2)) {
            assertThat(waiting.nextDueAt()).isGreaterThanOrEqualTo(last);
            last = waiting.nextDueAt();
            int slot = waiting.find(waiting.takeDue());
            waiting.setState(slot, State.ROOM, 0);
            woken++;
        }
        assertThat(woken).isEqualTo((int) model.values().stream()
                .filter(known -> known.state() == State.TIME)
                .count());
    }

    @Test
    void aKeyWithOneEventIsForgottenAfterItAndOneWithTwoAfterTheSecond() {
        WaitingKeys waiting = new WaitingKeys();
        waiting.put(1, 10, WaitingKeys.NONE);
        assertThat(waiting.advance(waiting.find(1))).isFalse();
        assertThat(waiting.size()).isZero();

        waiting.put(1, 10, WaitingKeys.NONE);
        waiting.note(waiting.find(1), 20);
        waiting.note(waiting.find(1), 20);
        assertThat(waiting.advance(waiting.find(1))).isTrue();
        assertThat(waiting.first(waiting.find(1))).isEqualTo(20);
        assertThat(waiting.advance(waiting.find(1))).isFalse();
    }

    @Test
    void afterTheSecondOfManyOnlyCatchingUpFindsTheNext() {
        WaitingKeys waiting = new WaitingKeys();
        waiting.put(1, 10, WaitingKeys.NONE);
        waiting.note(waiting.find(1), 30);
        waiting.note(waiting.find(1), 20);
        waiting.advance(waiting.find(1));
        assertThat(waiting.first(waiting.find(1))).isEqualTo(20);
        waiting.advance(waiting.find(1));
        assertThat(waiting.state(waiting.find(1))).isEqualTo(State.CATCH_UP);
        assertThat(waiting.first(waiting.find(1))).isEqualTo(21);
    }

    @Test
    void A13_aMillionKeysFitIntoAFewMegabytes() {
        System.gc();
        long before = used();
        WaitingKeys waiting = new WaitingKeys();
        for (long key = 0; key < 1_000_000; key++) {
            long mixed = key * 0x9E3779B97F4A7C15L;
            waiting.put(mixed, key, WaitingKeys.NONE);
            waiting.waitUntil(waiting.find(mixed), key);
        }
        System.gc();
        assertThat(used() - before).isLessThan(90L << 20);
        assertThat(waiting.size()).isEqualTo(1_000_000);
    }

    private static long used() {
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}
