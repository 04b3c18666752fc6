package dev.posthaste;

import dev.posthaste.internal.text.DurationText;
import java.time.Duration;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * How long to wait after the n-th failure, and after how many attempts to stop. Immutable: every method with a parameter
 * returns a changed copy. No attempt number overflows.
 *
 * <pre>{@code
 * RetryPolicy.exponential(Duration.ofMillis(50), Duration.ofSeconds(5)).attempts(20)
 * RetryPolicy.fixed(Duration.ofSeconds(10)).forever()
 * }</pre>
 */
@CheckReturnValue
public final class RetryPolicy {
    private static final int FOREVER = Integer.MAX_VALUE;

    /** The longest wait that nanoseconds can count, jitter included, and that databases can add to a time. */
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

    private final String name;
    private final Curve curve;
    private final Duration base;
    private final Duration ceiling;
    private final int attempts;
    private final double jitter;

    private RetryPolicy(String name, Curve curve, Duration base, Duration ceiling, int attempts, double jitter) {
        if (base.isNegative() || ceiling.compareTo(base) < 0) {
            throw new IllegalArgumentException("Retry policy " + name + ": the ceiling (" + DurationText.of(ceiling)
                    + ") must not be less than the base (" + DurationText.of(base) + "), nor the base negative");
        }
        if (ceiling.compareTo(MAX_WAIT) > 0) {
            throw new IllegalArgumentException(
                    "Retry policy " + name + ": ceiling must be at most 100 years, not " + DurationText.of(ceiling));
        }
        if (attempts < 1) {
            throw new IllegalArgumentException(
                    "Retry policy " + name + ": attempts must be at least 1, not " + attempts);
        }
        if (!(jitter >= 0 && jitter <= 1)) {
            throw new IllegalArgumentException("Retry policy " + name + ": jitter must be 0 to 1, not " + jitter);
        }
        this.name = Objects.requireNonNull(name, "name");
        this.curve = curve;
        this.base = base;
        this.ceiling = ceiling;
        this.attempts = attempts;
        this.jitter = jitter;
    }

    /** Doubles from 5 s to 10 min, ± 20 %, 8 attempts: the relay's default. */
    public static RetryPolicy exponential() {
        return exponential(Duration.ofSeconds(5), Duration.ofMinutes(10));
    }

    /** Doubles from {@code base} to {@code ceiling}, ± 20 %, 8 attempts. */
    public static RetryPolicy exponential(Duration base, Duration ceiling) {
        return new RetryPolicy("exponential", Curve.EXPONENTIAL, base, ceiling, 8, 0.2);
    }

    /** n² seconds, up to 100 s, 20 attempts. */
    public static RetryPolicy quadratic() {
        return quadratic(Duration.ofSeconds(1), Duration.ofSeconds(100));
    }

    /** n² × {@code base}, up to {@code ceiling}, 20 attempts. */
    public static RetryPolicy quadratic(Duration base, Duration ceiling) {
        return new RetryPolicy("quadratic", Curve.QUADRATIC, base, ceiling, 20, 0);
    }

    /** The same wait each time, 8 attempts. */
    public static RetryPolicy fixed(Duration wait) {
        return new RetryPolicy("fixed", Curve.FIXED, wait, wait, 8, 0);
    }

    /** One attempt. */
    public static RetryPolicy none() {
        return new RetryPolicy("none", Curve.FIXED, Duration.ZERO, Duration.ZERO, 1, 0);
    }

    /** How many attempts there are in all, at least 1. */
    public RetryPolicy attempts(int attempts) {
        return new RetryPolicy(name, curve, base, ceiling, attempts, jitter);
    }

    /** Attempts without end. */
    public RetryPolicy forever() {
        return attempts(FOREVER);
    }

    /** Spreads each wait evenly over ± this share of itself, 0 to 1. */
    public RetryPolicy jitter(double share) {
        return new RetryPolicy(name, curve, base, ceiling, attempts, share);
    }

    /** What metrics and logs call it. */
    public RetryPolicy named(String name) {
        return new RetryPolicy(name, curve, base, ceiling, attempts, jitter);
    }

    /** What metrics and logs call it. */
    public String name() {
        return name;
    }

    /** How the wait grows with the number of failures. */
    public Curve curve() {
        return curve;
    }

    /** The wait after the first failure. */
    public Duration base() {
        return base;
    }

    /** The longest wait, before jitter. */
    public Duration ceiling() {
        return ceiling;
    }

    /** How many attempts there are in all; {@link Integer#MAX_VALUE} if they are unlimited. */
    public int attempts() {
        return attempts;
    }

    /** The share of itself by which each wait is spread, up and down; 0 to 1. */
    public double jitter() {
        return jitter;
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

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RetryPolicy policy
                && name.equals(policy.name)
                && curve == policy.curve
                && base.equals(policy.base)
                && ceiling.equals(policy.ceiling)
                && attempts == policy.attempts
                && jitter == policy.jitter;
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, curve, base, ceiling, attempts);
    }

    @Override
    public String toString() {
        return name + " " + curve + " from " + DurationText.of(base) + " to " + DurationText.of(ceiling) + ", "
                + (attempts == FOREVER ? "for ever" : attempts + " attempts") + ", jitter " + jitter;
    }
}
