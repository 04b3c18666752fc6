package dev.posthaste.broker;

import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The trace that a message belongs to, in W3C's header {@code traceparent} or in what CloudEvents make of it. */
public final class MessageTrace {
    private static final List<String> PREFIXES = List.of("", "ce_", "cloudEvents:", "cloudEvents_");
    private static final W3CTraceContextPropagator W3C = W3CTraceContextPropagator.getInstance();

    private MessageTrace() {}

    private static final TextMapGetter<Map<String, String>> HEADERS = new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(Map<String, String> headers) {
            return headers.keySet();
        }

        @Override
        public @Nullable String get(@Nullable Map<String, String> headers, String name) {
            return headers == null
                    ? null
                    : PREFIXES.stream()
                            .map(prefix -> headers.get(prefix + name))
                            .filter(value -> value != null)
                            .findFirst()
                            .orElse(null);
        }
    };

    /** The root context with the message's trace in it, if it has one. */
    public static Context of(Message message) {
        return W3C.extract(Context.root(), message.headers(), HEADERS);
    }

    /** The same message, as a part of {@code context}'s trace. */
    static Message in(Context context, Message message) {
        Map<String, String> trace = new HashMap<>();
        W3C.inject(context, trace, (carrier, name, value) -> {
            if (carrier != null) {
                carrier.put(name, value);
            }
        });
        Map<String, String> named = new HashMap<>();
        trace.forEach((name, value) -> PREFIXES.stream()
                .filter(prefix -> prefix.isEmpty() || message.headers().containsKey(prefix + name))
                .forEach(prefix -> named.put(prefix + name, value)));
        return message.with(named);
    }
}
