package dev.posthaste.rabbitmq;

import java.time.Duration;

/**
 * How long a connection may bring no confirm before it is closed. The time doubles with each connection that ends like
 * this, up to a limit, and returns to its initial value once a confirm comes quickly. Thread-safe.
 */
final class Patience {
    private final RabbitSettings settings;
    private Duration giveUp; // guarded by this
    private boolean probing; // guarded by this

    Patience(RabbitSettings settings) {
        this.settings = settings;
        this.giveUp = settings.firstGiveUp();
    }

    synchronized Duration giveUp() {
        return giveUp;
    }

    /**
     * Whether the last connection was closed because no confirms came, and none has come since: one message is sent,
     * the rest wait.
     */
    synchronized boolean probing() {
        return probing;
    }

    synchronized void noConfirmCame() {
        Duration doubled = giveUp.multipliedBy(2);
        giveUp = doubled.compareTo(settings.longestGiveUp()) < 0 ? doubled : settings.longestGiveUp();
        probing = true;
    }

    synchronized void confirmed(long nanosAfterSending) {
        probing = false;
        if (nanosAfterSending < settings.confirmTimeout().toNanos()) {
            giveUp = settings.firstGiveUp();
        }
    }
}
