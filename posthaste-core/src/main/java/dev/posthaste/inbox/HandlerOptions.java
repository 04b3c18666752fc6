package dev.posthaste.inbox;

import dev.posthaste.CheckReturnValue;
import dev.posthaste.RetryPolicy;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What differs for one handler. Immutable: every method returns a changed copy.
 *
 * <pre>{@code
 * .on("order.cancelled", Order.class, this::release, h -> h
 *         .retry(RetryPolicy.exponential(Duration.ofMillis(50), Duration.ofSeconds(5)).attempts(20))
 *         .noRetryOn(IllegalArgumentException.class)
 *         .fallback((order, context, cause) -> alarm(order.id(), cause)))
 * }</pre>
 */
@CheckReturnValue
public final class HandlerOptions<T> {
    private final @Nullable RetryPolicy retry;
    private final Set<Class<? extends Throwable>> retryOn;
    private final Set<Class<? extends Throwable>> noRetryOn;
    private final @Nullable FallbackHandler<? super T> fallback;

    private HandlerOptions(
            @Nullable RetryPolicy retry,
            Set<Class<? extends Throwable>> retryOn,
            Set<Class<? extends Throwable>> noRetryOn,
            @Nullable FallbackHandler<? super T> fallback) {
        this.retry = retry;
        this.retryOn = retryOn;
        this.noRetryOn = noRetryOn;
        this.fallback = fallback;
    }

    static <T> HandlerOptions<T> none() {
        return new HandlerOptions<>(null, Set.of(Throwable.class), Set.of(), null);
    }

    /** How often and when it is tried again, instead of what {@link Inbox.Builder#retry} says. */
    public HandlerOptions<T> retry(RetryPolicy retry) {
        return new HandlerOptions<>(retry, retryOn, noRetryOn, fallback);
    }

    /**
     * Tries again only after exceptions of these classes and their subclasses; after any other, the first attempt was the
     * last, and the event can never be handled: see {@link AfterLastAttempt}. Only the exception itself counts, not its
     * causes. All exceptions, unless set.
     */
    @SafeVarargs
    public final HandlerOptions<T> retryOn(Class<? extends Throwable>... only) {
        return new HandlerOptions<>(retry, Set.copyOf(List.of(only)), noRetryOn, fallback);
    }

    /**
     * Never tries again after exceptions of these classes and their subclasses, whatever {@link #retryOn} says. Only
     * the exception itself counts, not its causes.
     */
    @SafeVarargs
    public final HandlerOptions<T> noRetryOn(Class<? extends Throwable>... never) {
        return new HandlerOptions<>(retry, retryOn, Set.copyOf(List.of(never)), fallback);
    }

    /**
     * What is done after the last attempt, instead of the dead letter, and instead of {@link AfterLastAttempt#REDELIVER}.
     */
    public HandlerOptions<T> fallback(FallbackHandler<? super T> fallback) {
        return new HandlerOptions<>(retry, retryOn, noRetryOn, fallback);
    }

    RetryPolicy retryOr(RetryPolicy otherwise) {
        return retry == null ? otherwise : retry;
    }

    boolean retries(Throwable thrown) {
        return retryOn.stream().anyMatch(each -> each.isInstance(thrown))
                && noRetryOn.stream().noneMatch(each -> each.isInstance(thrown));
    }

    @Nullable
    FallbackHandler<? super T> fallback() {
        return fallback;
    }

    /** Equal if all they say is; fallbacks only if they are the same object. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof HandlerOptions<?> options
                && Objects.equals(retry, options.retry)
                && retryOn.equals(options.retryOn)
                && noRetryOn.equals(options.noRetryOn)
                && fallback == options.fallback;
    }

    @Override
    public int hashCode() {
        return Objects.hash(retry, retryOn, noRetryOn);
    }

    @Override
    public String toString() {
        return "HandlerOptions[" + (retry == null ? "the inbox's retry policy" : retry) + ", retry on " + names(retryOn)
                + ", not on " + names(noRetryOn) + (fallback == null ? "" : ", with a fallback") + "]";
    }

    private static List<String> names(Set<Class<? extends Throwable>> classes) {
        return classes.stream().map(Class::getName).sorted().toList();
    }
}
