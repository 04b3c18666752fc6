package dev.posthaste.rabbitmq;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports what should never be thrown, such as an {@link Error} in a callback or in one of the broker's threads. The
 * first report in a minute is logged as an error, those that follow at debug level. Never throws. Thread-safe.
 */
final class FaultLog {
    private static final Logger log = LoggerFactory.getLogger(RabbitBroker.class);
    private static final long QUIET_NANOS = 60_000_000_000L;

    private long loudAgainAt = System.nanoTime(); // guarded by this

    void report(String what, Throwable fault) {
        try {
            if (loud()) {
                log.error("{}; RabbitMQ's publisher continues", what, fault);
            } else {
                log.debug("{}", what, fault);
            }
        } catch (Throwable t) {
            // Logging fails too, perhaps because memory is short. The caller still has messages to answer.
        }
    }

    private synchronized boolean loud() {
        long now = System.nanoTime();
        if (now - loudAgainAt < 0) {
            return false;
        }
        loudAgainAt = now + QUIET_NANOS;
        return true;
    }
}
