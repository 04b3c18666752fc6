package dev.posthaste;

import java.util.Map;

/**
 * Where spans go: {@code dev.posthaste.opentelemetry.OpenTelemetryTracing}, or a library of your own. A trace travels in the
 * headers {@code traceparent} and {@code tracestate} of W3C Trace Context, whatever their names are on the wire. Thread-safe;
 * what it throws is logged and changes nothing.
 */
public interface Tracing {

    /** Puts the trace that the calling thread is in, if it is in one, into {@code headers}. */
    void inject(Map<String, String> headers);

    /**
     * Begins a span, and makes it the calling thread's current one.
     *
     * @param name {@code publish DESTINATION} in a relay, {@code handle TYPE} in an inbox
     * @param headers of the message, with the trace that it is part of; not to be changed
     */
    Span start(String name, Map<String, String> headers);

    /** A span that has begun. */
    interface Span extends AutoCloseable {

        /** Says something of it, by the names of OpenTelemetry's semantic conventions. */
        default void attribute(String name, String value) {}

        /** The calling thread, which began it, leaves it and returns to what was current before. Another thread may end it. */
        void detach();

        void failed(Throwable cause);

        /** Ends it, and leaves it if it was not left before. On any thread, once. */
        @Override
        void close();
    }
}
