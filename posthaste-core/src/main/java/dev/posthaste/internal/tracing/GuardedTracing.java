package dev.posthaste.internal.tracing;

import dev.posthaste.Tracing;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tracing that never throws: no event waits, is lost or counts an attempt because of telemetry. */
public final class GuardedTracing implements Tracing {
    public static final Span NO_SPAN = new Span() {
        @Override
        public void detach() {}

        @Override
        public void failed(Throwable cause) {}

        @Override
        public void close() {}
    };

    private static final Logger log = LoggerFactory.getLogger(Tracing.class);

    private final Tracing tracing;

    public GuardedTracing(Tracing tracing) {
        this.tracing = tracing;
    }

    @Override
    public void inject(Map<String, String> headers) {
        guarded(() -> tracing.inject(headers));
    }

    @Override
    public Span start(String name, Map<String, String> headers) {
        try {
            return new GuardedSpan(tracing.start(name, headers));
        } catch (RuntimeException | LinkageError e) {
            log.debug("The span '{}' failed", name, e);
            return NO_SPAN;
        }
    }

    private static void guarded(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | LinkageError e) {
            log.debug("Tracing failed", e);
        }
    }

    private record GuardedSpan(Span span) implements Span {
        @Override
        public void attribute(String name, String value) {
            guarded(() -> span.attribute(name, value));
        }

        @Override
        public void detach() {
            guarded(span::detach);
        }

        @Override
        public void failed(Throwable cause) {
            guarded(() -> span.failed(cause));
        }

        @Override
        public void close() {
            guarded(span::close);
        }
    }
}
