package dev.posthaste.examples.configcenter;

import dev.posthaste.Route;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.util.function.Consumer;

/** A broker with a switch: switched off, it behaves as if its server were unreachable. Thread-safe. */
final class SwitchableBroker implements Broker {
    private final Broker broker;
    private volatile boolean on = true;

    SwitchableBroker(Broker broker) {
        this.broker = broker;
    }

    boolean on() {
        return on;
    }

    void setOn(boolean on) {
        this.on = on;
    }

    @Override
    public void prepare(Route route) {
        broker.prepare(route);
    }

    @Override
    public void publish(Message message, Consumer<Outcome> callback) {
        if (on) {
            broker.publish(message, callback);
        } else {
            callback.accept(Outcome.unavailable("the broker was stopped by its switch"));
        }
    }

    @Override
    public boolean healthy() {
        return on && broker.healthy();
    }

    @Override
    public void close() {
        broker.close();
    }
}
