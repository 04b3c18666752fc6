package dev.posthaste.inbox;

import dev.posthaste.broker.MessageHeaders;
import java.io.PrintWriter;
import java.io.StringWriter;
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
            StringWriter stack = new StringWriter();
            cause.printStackTrace(new PrintWriter(stack));
            headers.put(MessageHeaders.ERROR_STACK, cut(stack.toString(), MAX_STACK));
        }
        return headers;
    }

    private static String cut(String text, int most) {
        return text.length() <= most ? text : text.substring(0, most);
    }
}
