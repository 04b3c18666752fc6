package dev.posthaste;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait after the n-th failure, and after how many to give up. Immutable; no attempt number overflows.
 *
 * @param name what metrics and logs call it
 * @param base the wait after the first failure
 * @param ceiling the longest wait, before jitter; at most 100 years
 * @param attempts how many attempts there are in all; {@link #FOREVER} to never give up
 * @param jitter 0 to 1: each wait is spread evenly over ± this share of itself
 */
public record RetryPolicy(String name, Curve curve, Duration base, Duration ceiling, int attempts, double jitter) {
    /** Attempts without end. */
    public static final int FOREVER = Integer.MAX_VALUE;

    /** What nanoseconds can count, jitter included, and databases add to a time. */
    private static final Duration MAX_WAIT = Duration.ofDays(36_525);

    /** How the wait grows with the number of failures. */
    public enum Curve {
        /** base, 2 × base, 4 × base, … */
        EXPONENTIAL,
        /** base, 4 × base, 9 × base, … */
        QUADRATIC,
        /** base, base, base, … */
        FIXED
    }

    public RetryPolicy {
        if (base.isNegative() || ceiling.compareTo(base) < 0) {
            throw new IllegalArgumentException("Retry policy " + name + ": base " + base + " and ceiling " + ceiling
                    + " do not fit: 0 <= base <= ceiling is wanted");
        }
        if (ceiling.compareTo(MAX_WAIT) > 0) {
            throw new IllegalArgumentException(
                    "Retry policy " + name + ": ceiling must be at most 100 years, not " + ceiling);
        }
        if (attempts < 1) {
            throw new IllegalArgumentException(
                    "Retry policy " + name + ": attempts must be at least 1, not " + attempts);
        }
        if (!(jitter >= 0 && jitter <= 1)) {
            throw new IllegalArgumentException("Retry policy " + name + ": jitter must be 0 to 1, not " + jitter);
        }
    }

    /** 5 s doubling to 10 min, 8 attempts, ± 20 %: the relay's default. */
    public static RetryPolicy exponential() {
        return new RetryPolicy("exponential", Curve.EXPONENTIAL, Duration.ofSeconds(5), Duration.ofMinutes(10), 8, 0.2);
    }

    /** n² seconds up to 100 s, 20 attempts. */
    public static RetryPolicy quadratic() {
        return new RetryPolicy("quadratic", Curve.QUADRATIC, Duration.ofSeconds(1), Duration.ofSeconds(100), 20, 0);
    }

    public static RetryPolicy fixed(Duration wait, int attempts) {
        return new RetryPolicy("fixed", Curve.FIXED, wait, wait, attempts, 0);
    }

    /** Doubles from {@code base} to {@code ceiling} and never gives up. */
    public static RetryPolicy forever(Duration base, Duration ceiling) {
        return new RetryPolicy("forever", Curve.EXPONENTIAL, base, ceiling, FOREVER, 0.2);
    }

    /** The wait after failure number {@code failures}, counted from 1. */
    public Duration delay(int failures, RandomGenerator random) {
        double n = Math.max(1, failures);
        double factor = switch (curve) {
            case EXPONENTIAL -> Math.pow(2, Math.min(n - 1, 1000));
            case QUADRATIC -> n * n;
            case FIXED -> 1;
        };
        double nanos = Math.min(base.toNanos() * factor, ceiling.toNanos());
        double spread = jitter == 0 ? 1 : 1 + jitter * (2 * random.nextDouble() - 1);
        return Duration.ofNanos((long) (nanos * spread));
    }
}
