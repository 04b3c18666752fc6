package dev.posthaste.broker;

import java.io.PrintWriter;
import java.io.Writer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Why a consumer gave a message up.
 *
 * @param attempts how often it was tried
 */
public record Failure(
        String consumer, String reason, @Nullable Throwable cause, int attempts) {
    private static final int MAX_STACK = 4000;

    /** One line for a row or a log. */
    public String summary() {
        return "consumer " + consumer + " gave up after " + attempts + (attempts == 1 ? " attempt: " : " attempts: ")
                + reason;
    }

    /** The headers of the dead letter: reason, stack, consumer, attempts, and where it came from. */
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
