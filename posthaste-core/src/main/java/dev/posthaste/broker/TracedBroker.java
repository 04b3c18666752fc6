package dev.posthaste.broker;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.util.function.Consumer;

/**
 * A broker that leaves a span for each message whose writer was traced, from handing over to the answer. The message goes
 * on as a part of it, so that what its consumer does is of the same trace. Messages without a trace leave none.
 *
 * <pre>{@code
 * Relay.builder(pool, catalog).broker(new TracedBroker(broker, openTelemetry))
 * }</pre>
 *
 * Thread-safe, as the broker behind it.
 */
public final class TracedBroker implements Broker {
    private final Broker broker;
    private final Tracer tracer;

    public TracedBroker(Broker broker, OpenTelemetry telemetry) {
        this.broker = broker;
        this.tracer = telemetry.getTracer("dev.posthaste");
    }

    @Override
    public void publish(Message message, Consumer<Outcome> callback) {
        Context writer = MessageTrace.of(message);
        if (!Span.fromContext(writer).getSpanContext().isValid()) {
            broker.publish(message, callback);
            return;
        }
        Span span = tracer.spanBuilder("publish " + message.destination())
                .setParent(writer)
                .setSpanKind(SpanKind.PRODUCER)
                .setAttribute("messaging.operation.type", "send")
                .setAttribute("messaging.destination.name", message.destination())
                .setAttribute("messaging.message.id", String.valueOf(message.eventId()))
                .setAttribute("posthaste.event.type", String.valueOf(message.eventType()))
                .startSpan();
        try {
            broker.publish(MessageTrace.in(writer.with(span), message), outcome -> {
                end(span, outcome);
                callback.accept(outcome);
            });
        } catch (RuntimeException | Error e) {
            span.setStatus(StatusCode.ERROR, String.valueOf(e.getMessage())).end();
            throw e;
        }
    }

    private static void end(Span span, Outcome outcome) {
        if (outcome instanceof Outcome.Rejected rejected) {
            span.setStatus(StatusCode.ERROR, rejected.reason());
        } else if (outcome instanceof Outcome.Unknown unknown) {
            span.setStatus(StatusCode.ERROR, unknown.reason());
        } else if (outcome instanceof Outcome.Unavailable unavailable) {
            span.setStatus(StatusCode.ERROR, unavailable.reason());
        }
        span.end();
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
