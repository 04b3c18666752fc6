package dev.posthaste.internal.tracing;

import dev.posthaste.Route;
import dev.posthaste.Tracing;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A broker that creates a span for each message whose writer was traced, from handing over to the answer. The message
 * is sent as a part of it, so that what its consumer does belongs to the same trace. Messages without a trace create
 * none. As thread-safe as the broker behind it.
 */
public final class TracedBroker implements Broker {
    private final Broker broker;
    private final Tracing tracing;

    public TracedBroker(Broker broker, Tracing tracing) {
        this.broker = broker;
        this.tracing = new GuardedTracing(tracing);
    }

    @Override
    public void publish(Message message, Consumer<Outcome> callback) {
        Map<String, String> headers = MessageTrace.of(message.headers());
        if (!headers.containsKey(MessageTrace.TRACEPARENT)) {
            broker.publish(message, callback);
            return;
        }
        Tracing.Span span = tracing.start("publish " + message.destination(), headers);
        span.attribute("messaging.operation.type", "send");
        span.attribute("messaging.destination.name", message.destination());
        span.attribute("messaging.message.id", String.valueOf(message.eventId()));
        span.attribute("posthaste.event.type", String.valueOf(message.eventType()));
        Map<String, String> trace = new HashMap<>();
        tracing.inject(trace);
        span.detach();
        try {
            broker.publish(message.headers(MessageTrace.renamed(trace, message.headers())), outcome -> {
                end(span, outcome);
                callback.accept(outcome);
            });
        } catch (RuntimeException | Error e) {
            span.failed(new RefusedException(String.valueOf(e.getMessage())));
            span.close();
            throw e;
        }
    }

    private static void end(Tracing.Span span, Outcome outcome) {
        if (outcome instanceof Outcome.Rejected rejected) {
            span.failed(new RefusedException(rejected.reason()));
        } else if (outcome instanceof Outcome.Unknown unknown) {
            span.failed(new RefusedException(unknown.reason()));
        } else if (outcome instanceof Outcome.Unavailable unavailable) {
            span.failed(new RefusedException(unavailable.reason()));
        }
        span.close();
    }

    @Override
    public void prepare(Route route) {
        broker.prepare(route);
    }

    @Override
    public boolean healthy() {
        return broker.healthy();
    }

    @Override
    public boolean acknowledgesHandling() {
        return broker.acknowledgesHandling();
    }

    @Override
    public void close() {
        broker.close();
    }
}
