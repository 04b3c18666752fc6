package dev.posthaste.internal.tracing;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The trace that a message belongs to: in W3C's headers, or in their CloudEvents form. */
public final class MessageTrace {
    public static final String TRACEPARENT = "traceparent";

    private static final List<String> NAMES = List.of(TRACEPARENT, "tracestate");
    private static final List<String> PREFIXES = List.of("", "ce_", "cloudEvents:", "cloudEvents_");

    private MessageTrace() {}

    /** The headers, with those of the trace under W3C's names. */
    public static Map<String, String> of(Map<String, String> headers) {
        Map<String, String> all = new HashMap<>(headers);
        for (String name : NAMES) {
            for (String prefix : PREFIXES) {
                String value = headers.get(prefix + name);
                if (value != null) {
                    all.putIfAbsent(name, value);
                }
            }
        }
        return all;
    }

    /**
     * The headers that make a message with {@code headers} a part of {@code trace}, under each name that the message
     * uses.
     */
    public static Map<String, String> renamed(Map<String, String> trace, Map<String, String> headers) {
        Map<String, String> named = new HashMap<>();
        trace.forEach((name, value) -> PREFIXES.stream()
                .filter(prefix -> prefix.isEmpty() || headers.containsKey(prefix + name))
                .forEach(prefix -> named.put(prefix + name, value)));
        return named;
    }
}
