package dev.posthaste.inbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class DatabaseGateTest {
    private record Scheduled(Runnable work, long delayMillis) {}

    private final Deque<Scheduled> scheduled = new ArrayDeque<>();
    private final List<String> heard = new ArrayList<>();
    private final List<String> ran = new ArrayList<>();
    private @Nullable Throwable fault = new IllegalStateException("away");
    private int questions;

    private final DatabaseGate gate = new DatabaseGate(
            () -> {
                questions++;
                return fault;
            },
            (work, delayMillis) -> scheduled.add(new Scheduled(work, delayMillis)),
            new DatabaseGate.Watcher() {
                @Override
                public void closed(Throwable cause) {
                    heard.add("closed");
                }

                @Override
                public void opened(Duration after, int waited) {
                    heard.add("opened for " + waited);
                }
            });

    private Runnable work(String name) {
        return () -> ran.add(name);
    }

    private long runNext() {
        Scheduled next = scheduled.remove();
        next.work().run();
        return next.delayMillis();
    }

    @Test
    void whatIsOpenAdmits() {
        assertThat(gate.admits(work("a"))).isTrue();
        assertThat(scheduled).isEmpty();
    }

    @Test
    void oneQuestionAtATimeIsAskedEverMoreSeldom() {
        gate.close(new IllegalStateException("away"), work("a"));
        gate.close(new IllegalStateException("away"), work("b"));
        assertThat(gate.admits(work("c"))).isFalse();
        List<Long> waits = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            assertThat(scheduled).as("pending probes").hasSize(1);
            waits.add(runNext());
        }
        assertThat(waits)
                .containsExactly(
                        100L, 200L, 400L, 800L, 1600L, 3200L, 6400L, 12800L, 25600L, 30_000L, 30_000L, 30_000L);
        assertThat(questions).isEqualTo(12);
        assertThat(ran).isEmpty();
        assertThat(heard).containsExactly("closed");
    }

    @Test
    void whatWaitedContinuesInItsOrder() {
        gate.close(new IllegalStateException("away"), work("a"));
        gate.admits(work("b"));
        gate.close(new IllegalStateException("away"), work("c"));
        fault = null;
        runNext();
        assertThat(gate.admits(work("d"))).isTrue();
        while (!scheduled.isEmpty()) {
            assertThat(runNext()).isZero();
        }
        assertThat(ran).containsExactly("a", "b", "c");
        assertThat(heard).containsExactly("closed", "opened for 3");
    }

    @Test
    void aDatabaseThatAnswersAndYetDoesNothingIsAskedEverMoreSeldom() {
        fault = null;
        List<Long> waits = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            gate.close(new IllegalStateException("flapping"), work("a"));
            waits.add(runNext());
            scheduled.clear();
        }
        gate.worked();
        gate.close(new IllegalStateException("away"), work("a"));
        waits.add(runNext());
        assertThat(waits).containsExactly(100L, 200L, 400L, 100L);
    }

    @Test
    void aQuestionThatThrowsIsAskedAgain() {
        DatabaseGate broken = new DatabaseGate(
                () -> {
                    throw new OutOfMemoryError("here");
                },
                (work, delayMillis) -> scheduled.add(new Scheduled(work, delayMillis)),
                new DatabaseGate.Watcher() {
                    @Override
                    public void closed(Throwable cause) {}

                    @Override
                    public void opened(Duration after, int waited) {}
                });
        broken.close(new IllegalStateException("away"), work("a"));
        runNext();
        assertThat(scheduled).hasSize(1);
    }
}
