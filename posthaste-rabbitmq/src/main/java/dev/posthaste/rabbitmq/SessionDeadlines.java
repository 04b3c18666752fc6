package dev.posthaste.rabbitmq;

import dev.posthaste.internal.text.DurationText;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends what takes too long on a connection: the connection itself, a channel, or the wait of a message. {@link
 * RabbitSettings} says after which times.
 *
 * <p>Confined to the watch's thread.
 */
final class SessionDeadlines {
    private static final Logger log = LoggerFactory.getLogger(RabbitSession.class);

    private final RabbitSession session;
    private final RabbitSettings settings;
    private final Patience patience;
    private boolean slow;

    SessionDeadlines(RabbitSession session, RabbitSettings settings, Patience patience) {
        this.session = session;
        this.settings = settings;
        this.patience = patience;
    }

    /** Called periodically. */
    void check() {
        long now = System.nanoTime();
        Duration giveUp = patience.giveUp();
        boolean slowNow;
        boolean silent;
        synchronized (session.lock()) {
            slowNow = session.window().isQuiet(now, settings.confirmTimeout());
            silent = session.window().isQuiet(now, giveUp);
        }
        String alarm = session.alarm();
        logSlowness(slowNow && alarm == null);
        if (endIfStuck(now, giveUp, slowNow && alarm == null)) {
            return;
        }
        if (alarm != null) {
            // Confirms are missing for a known reason. The connection is kept, because it will say when that ends.
            answerOverdue(now, giveUp, "RabbitMQ blocks publishers: " + alarm);
        } else if (silent) {
            patience.noConfirmCame();
            session.end("no confirm came for " + DurationText.of(giveUp));
        } else {
            retireSilentChannels(now, giveUp);
            answerOverdue(
                    now,
                    settings.longestGiveUp(),
                    "no confirm came for it within " + DurationText.of(settings.longestGiveUp()));
        }
    }

    private void logSlowness(boolean slowNow) {
        if (slowNow != slow) {
            slow = slowNow;
            if (slowNow) {
                log.warn(
                        "RabbitMQ at {} is slow: no confirm for {}. Nothing more is sent until one comes",
                        settings.address(),
                        DurationText.of(settings.confirmTimeout()));
            } else {
                log.info("RabbitMQ at {} is no longer slow", settings.address());
            }
        }
    }

    /** Ends the connection if a write hangs while nothing is confirmed, or a request gets no answer. */
    private boolean endIfStuck(long now, Duration giveUp, boolean slowNow) {
        long since = session.activity().since();
        if (since == 0) {
            return false;
        }
        if (session.activity().isWriting()
                && slowNow
                && now - since > settings.confirmTimeout().toNanos()) {
            patience.noConfirmCame();
            session.end("a write hung for " + DurationText.of(settings.confirmTimeout()) + ", and no confirm came");
            return true;
        }
        if (now - since > giveUp.toNanos()) {
            session.end("RabbitMQ did not answer for " + DurationText.of(giveUp));
            return true;
        }
        return false;
    }

    /** Other exchanges get confirms on this connection, so only the silent ones get a new channel. */
    private void retireSilentChannels(long now, Duration giveUp) {
        List<ExchangeChannel> silent;
        synchronized (session.lock()) {
            silent = session.channels().open().stream()
                    .filter(channel -> channel.isQuiet(now, giveUp.toNanos()))
                    .toList();
        }
        silent.forEach(channel -> channel.retire("no confirm came for " + DurationText.of(giveUp)));
    }

    private void answerOverdue(long now, Duration time, String reason) {
        List<ExchangeChannel> all;
        synchronized (session.lock()) {
            all = session.channels().open();
        }
        all.forEach(channel -> channel.answerOverdue(now, time.toNanos(), reason));
    }
}
