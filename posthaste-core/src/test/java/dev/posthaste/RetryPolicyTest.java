package dev.posthaste;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RetryPolicyTest {
    private final Random random = new Random(1);

    private long millis(RetryPolicy policy, int failures) {
        return policy.delay(failures, random).toMillis();
    }

    @Test
    void curvesGrowAsTheirNamesSayUpToTheCeiling() {
        RetryPolicy doubling = RetryPolicy.exponential(Duration.ofSeconds(5), Duration.ofMinutes(10))
                .attempts(8)
                .jitter(0)
                .named("d");
        assertThat(new long[] {millis(doubling, 1), millis(doubling, 2), millis(doubling, 3), millis(doubling, 9)})
                .containsExactly(5_000, 10_000, 20_000, 600_000);
        assertThat(new long[] {
                    millis(RetryPolicy.quadratic(), 1),
                    millis(RetryPolicy.quadratic(), 3),
                    millis(RetryPolicy.quadratic(), 11)
                })
                .containsExactly(1_000, 9_000, 100_000);
        assertThat(millis(RetryPolicy.fixed(Duration.ofSeconds(3)).attempts(5), 4))
                .isEqualTo(3_000);
    }

    @Test
    void noAttemptNumberOverflows() {
        for (RetryPolicy policy : new RetryPolicy[] {RetryPolicy.exponential(), RetryPolicy.quadratic()}) {
            for (int failures : new int[] {0, -1, Integer.MIN_VALUE, 63, 64, 1_000_000, Integer.MAX_VALUE}) {
                assertThat(policy.delay(failures, random))
                        .isBetween(Duration.ofSeconds(0), policy.ceiling().multipliedBy(2));
            }
        }
    }

    @Test
    void jitterStaysWithinItsShare() {
        long least = Long.MAX_VALUE;
        long most = 0;
        for (int i = 0; i < 1_000; i++) {
            long wait = millis(RetryPolicy.exponential(), 1);
            least = Math.min(least, wait);
            most = Math.max(most, wait);
        }
        assertThat(least).isBetween(4_000L, 4_100L);
        assertThat(most).isBetween(5_900L, 6_000L);
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        assertThatThrownBy(() -> RetryPolicy.fixed(Duration.ofSeconds(1)).attempts(0))
                .hasMessageContaining("attempts");
        assertThatThrownBy(() -> RetryPolicy.exponential(Duration.ofSeconds(2), Duration.ofSeconds(1))
                        .forever())
                .hasMessageContaining("ceiling");
    }
}
