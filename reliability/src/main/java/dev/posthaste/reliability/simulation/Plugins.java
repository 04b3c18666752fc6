package dev.posthaste.reliability.simulation;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.format.StoredEvent;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.relay.RelayListener;
import dev.posthaste.relay.internal.EngineListener;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;

/** Code that applications plug into relays and inboxes, and that throws errors now and then. */
final class Plugins {
    private final Random random;
    private final Oracle truth;
    private final BooleanSupplier bad;

    /** @param bad whether they throw errors now */
    Plugins(Random random, Oracle truth, BooleanSupplier bad) {
        this.random = random;
        this.truth = truth;
        this.bad = bad;
    }

    private boolean fails() {
        return bad.getAsBoolean() && random.nextInt(10) == 0;
    }

    private RuntimeException failure() {
        if (random.nextBoolean()) {
            throw new StackOverflowError("a plugin's bug");
        }
        return new ArrayIndexOutOfBoundsException("a plugin's bug");
    }

    RelayListener listener() {
        return new EngineListener() {
            @Override
            public void answered(
                    String outbox, PendingEvent event, Outcome outcome, long nanos, long sinceWrittenNanos) {
                if (fails()) {
                    throw failure();
                }
            }

            @Override
            public void settled(String outbox, List<Verdict> verdicts, int written, long nanos) {
                if (fails()) {
                    throw failure();
                }
            }
        };
    }

    MessageFormat format() {
        return new MessageFormat() {
            @Override
            public Message write(StoredEvent event, OutboxDefinition outbox) {
                if (fails()) {
                    truth.refused(event.eventId()); // by the relay itself, which counts an attempt
                    throw failure();
                }
                return MessageFormat.RAW.write(event, outbox);
            }

            @Override
            public Message read(Message message) {
                if (fails()) {
                    truth.unreadable(message.headers().get(MessageHeaders.EVENT_ID));
                    throw failure();
                }
                return MessageFormat.RAW.read(message);
            }
        };
    }
}
