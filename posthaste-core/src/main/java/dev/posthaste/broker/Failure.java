package dev.posthaste.broker;

import dev.posthaste.CheckReturnValue;
import java.io.PrintWriter;
import java.io.Writer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Why a consumer gave a message up. Immutable and thread-safe: {@link #cause(Throwable)} and {@link #attempts(int)} return
 * changed copies.
 */
@CheckReturnValue
public final class Failure {
    private static final int MAX_STACK = 4000;

    private final String consumer;
    private final String reason;
    private final @Nullable Throwable cause;
    private final int attempts;

    private Failure(String consumer, String reason, @Nullable Throwable cause, int attempts) {
        this.consumer = consumer;
        this.reason = reason;
        this.cause = cause;
        this.attempts = attempts;
    }

    /**
     * A failure after one attempt, with no exception as its cause.
     *
     * @param consumer the inbox or consumer that gave the message up
     */
    public static Failure of(String consumer, String reason) {
        return new Failure(
                Objects.requireNonNull(consumer, "consumer"), Objects.requireNonNull(reason, "reason"), null, 1);
    }

    /** The exception that the last attempt failed with; null if there was none. */
    public Failure cause(@Nullable Throwable cause) {
        return new Failure(consumer, reason, cause, attempts);
    }

    /**
     * How often the message was tried.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Failure attempts(int attempts) {
        if (attempts < 0) {
            throw new IllegalArgumentException("attempts must not be negative, but is " + attempts);
        }
        return new Failure(consumer, reason, cause, attempts);
    }

    /** The inbox or consumer that gave the message up. */
    public String consumer() {
        return consumer;
    }

    /** What went wrong, in one line or several. */
    public String reason() {
        return reason;
    }

    /** The exception that the last attempt failed with; null if there was none. */
    public @Nullable Throwable cause() {
        return cause;
    }

    /** How often the message was tried. */
    public int attempts() {
        return attempts;
    }

    /** The failure as a text for a row or a log: consumer, attempts and reason. */
    public String summary() {
        return "consumer " + consumer + " gave up after " + attempts + (attempts == 1 ? " attempt: " : " attempts: ")
                + reason;
    }

    /**
     * The headers of the dead letter: reason, stack, consumer, attempts, and where it came from. Modifiable.
     *
     * @param origin the queue or topic that the message came from
     */
    public Map<String, String> headers(String origin) {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put(MessageHeaders.ERROR, cut(reason, 1000));
        headers.put(MessageHeaders.ERROR_CONSUMER, consumer);
        headers.put(MessageHeaders.ERROR_ORIGIN, origin);
        headers.put(MessageHeaders.ERROR_ATTEMPTS, Integer.toString(attempts));
        if (cause != null) {
            headers.put(MessageHeaders.ERROR_STACK, stack(cause));
        }
        return headers;
    }

    /** The causes are equal only if they are the same exception. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Failure failure
                && consumer.equals(failure.consumer)
                && reason.equals(failure.reason)
                && Objects.equals(cause, failure.cause)
                && attempts == failure.attempts;
    }

    @Override
    public int hashCode() {
        return Objects.hash(consumer, reason, cause, attempts);
    }

    /** The same as {@link #summary}. */
    @Override
    public String toString() {
        return summary();
    }

    private static String stack(Throwable cause) {
        Beginning stack = new Beginning();
        try {
            cause.printStackTrace(new PrintWriter(stack));
        } catch (Throwable e) { // a handler may throw what cannot even be printed
            stack.text.append(cause.getClass().getName());
        }
        return cut(stack.text.toString(), MAX_STACK);
    }

    /** At most {@code most} characters, and no half of a surrogate pair at the end. */
    private static String cut(String text, int most) {
        if (text.length() <= most) {
            return text;
        }
        return text.substring(0, Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most);
    }

    /** Keeps the beginning of what is written: the messages of exceptions may be of any length. */
    private static final class Beginning extends Writer {
        private final StringBuilder text = new StringBuilder();

        @Override
        public void write(char[] characters, int from, int length) {
            text.append(characters, from, room(length));
        }

        @Override
        public void write(String characters, int from, int length) {
            text.append(characters, from, from + room(length));
        }

        private int room(int length) {
            return Math.min(length, MAX_STACK + 1 - text.length());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
