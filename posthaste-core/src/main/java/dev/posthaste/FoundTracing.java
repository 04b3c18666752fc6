package dev.posthaste;

import dev.posthaste.internal.tracing.GuardedTracing;
import dev.posthaste.opentelemetry.OpenTelemetryTracing;
import io.opentelemetry.api.OpenTelemetry;
import java.util.HashMap;
import java.util.Map;

/** The tracing of a writer of whom nothing was said: the thread's trace, if OpenTelemetry is there. */
final class FoundTracing {
    private static final Tracing FOUND = find();

    private FoundTracing() {}

    static Tracing get() {
        return FOUND;
    }

    private static Tracing find() {
        try {
            Tracing found = Found.tracing();
            found.inject(new HashMap<>());
            return found;
        } catch (LinkageError absent) {
            return new None();
        }
    }

    /** Is not loaded unless it is called, and then needs OpenTelemetry. */
    private static final class Found {
        /** Writing leaves no span; to pass a trace on needs nobody who takes spans. */
        static Tracing tracing() {
            return OpenTelemetryTracing.of(OpenTelemetry.noop());
        }
    }

    private static final class None implements Tracing {
        @Override
        public void inject(Map<String, String> headers) {}

        @Override
        public Span start(String name, Map<String, String> headers) {
            return GuardedTracing.NO_SPAN;
        }
    }
}
