package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.Test;

class DestinationTest {
    private long now = 1_000_000_000L;
    private final Destination destination = new Destination(1, 4000, true);
    private final Deque<Long> dispatched = new ArrayDeque<>();

    private int dispatchAll() {
        int handed = 0;
        while (destination.allows(now)) {
            destination.dispatched(1_000);
            dispatched.add(now);
            handed++;
        }
        return handed;
    }

    private void pass(Duration time) {
        now += time.toNanos();
    }

    private void answer() {
        destination.answered(1_000, dispatched.remove(), now);
    }

    private void answerAll() {
        while (!dispatched.isEmpty()) {
            answer();
        }
    }

    @Test
    void A21_beginsWithAFewAndTakesMoreWhileAnswersComeQuickly() {
        assertThat(dispatchAll()).isEqualTo(64);
        for (int i = 0; i < 20; i++) {
            pass(Duration.ofMillis(10));
            answerAll();
            dispatchAll();
        }
        assertThat(dispatched).hasSize(4000);
    }

    @Test
    void B19_takesLessWhenAnswersComeSlowlyButNeverNothing() {
        dispatchAll();
        for (int i = 0; i < 10; i++) {
            pass(Duration.ofSeconds(3));
            answerAll();
            dispatchAll();
        }
        assertThat(dispatched).hasSize(16);
    }

    @Test
    void largeEventsCountByTheirBytes() {
        destination.dispatched(5 << 20);
        assertThat(destination.allows(now)).isFalse();
        pass(Duration.ofMillis(1));
        destination.answered(5 << 20, now, now);
        assertThat(destination.allows(now))
                .as("one event is allowed, however large")
                .isTrue();
    }

    @Test
    void A21_afterNoAnswerOneProbeGoesAndNotAllOfThemAgain() {
        dispatchAll();
        pass(Duration.ofSeconds(4));
        int sentAgain = 0;
        while (!dispatched.isEmpty()) {
            destination.unanswered(1_000, dispatched.remove(), now);
        }
        for (int i = 0; i < 10; i++) {
            pass(Duration.ofSeconds(20));
            assertThat(dispatchAll()).isEqualTo(1);
            sentAgain++;
            pass(Duration.ofSeconds(4));
            destination.unanswered(1_000, dispatched.remove(), now);
        }
        assertThat(sentAgain).isEqualTo(10);
        pass(Duration.ofSeconds(20));
        dispatchAll();
        pass(Duration.ofMillis(10));
        answer();
        assertThat(dispatchAll()).isEqualTo(destination.limit()).isGreaterThanOrEqualTo(16);
    }

    @Test
    void oneThatIsNotAnsweredWhileOthersAreHoldsNobodyUp() {
        dispatchAll();
        pass(Duration.ofMillis(100));
        long first = dispatched.remove();
        answer();
        destination.unanswered(1_000, first, now);
        assertThat(destination.open()).isFalse();
        assertThat(destination.allows(now)).isFalse(); // it has as many as it accepts now
        answerAll();
        assertThat(destination.allows(now)).isTrue();
    }

    @Test
    void pausesGrowWhileItIsUnavailableAndEndWithTheFirstAnswer() {
        long lastPause = 0;
        for (int i = 0; i < 12; i++) {
            destination.dispatched(1);
            destination.unavailable(1, now, now);
            long pause = destination.openUntil() - now;
            assertThat(pause).isGreaterThanOrEqualTo(lastPause).isLessThanOrEqualTo(30_000_000_000L);
            assertThat(destination.allows(now)).isFalse();
            lastPause = pause;
            now = destination.openUntil();
        }
        assertThat(lastPause).isEqualTo(30_000_000_000L);
        destination.dispatched(1);
        destination.answered(1, now, now);
        assertThat(destination.open()).isFalse();
    }

    @Test
    void aFirstUnavailableAfterManyUnknownsPausesShortly() {
        for (int i = 0; i < 12; i++) {
            destination.dispatched(1);
            destination.unanswered(1, now, now);
            now = destination.openUntil();
        }
        destination.dispatched(1);
        destination.unavailable(1, now, now);
        assertThat(Duration.ofNanos(destination.openUntil() - now)).isLessThanOrEqualTo(Duration.ofMillis(200));
        assertThat(destination.unavailable()).isTrue();
    }

    @Test
    void whereAnAnswerWaitsForHandlersItsTimeSaysNothing() {
        Destination local = new Destination(1, 500, false);
        for (int i = 0; i < 500; i++) {
            assertThat(local.allows(now)).isTrue();
            local.dispatched(1 << 20);
        }
        assertThat(local.allows(now)).isFalse();
    }
}
