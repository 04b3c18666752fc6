package dev.posthaste;

import java.util.Map;

/**
 * Where spans go: {@code dev.posthaste.opentelemetry.OpenTelemetryTracing}, or a library of your own. A trace travels in the
 * headers {@code traceparent} and {@code tracestate} of W3C Trace Context, whatever their names are on the wire. Thread-safe;
 * what it throws is logged and changes nothing.
 */
public interface Tracing {

    /** Puts the calling thread's trace, if it has one, into {@code headers}. */
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

        /** Sets an attribute, named as in OpenTelemetry's semantic conventions. */
        default void attribute(String name, String value) {}

        /** Restores what was current before on the calling thread, which began the span. Another thread may end it. */
        void detach();

        /** Marks the span as failed. On any thread, before {@link #close}. */
        void failed(Throwable cause);

        /** Ends it, and detaches it if it was not detached before. On any thread, once. */
        @Override
        void close();
    }
}
