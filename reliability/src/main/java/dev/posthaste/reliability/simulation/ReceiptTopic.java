package dev.posthaste.reliability.simulation;

import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.internal.receipts.ReceiptMessages;
import dev.posthaste.relay.ReceiptProcessor;
import dev.posthaste.relay.internal.ReceiptProcessors;
import java.util.Random;
import java.util.TreeSet;

/** Hands receipts to their processors: from the first unanswered one, and now and then all of them again. */
final class ReceiptTopic {
    private final Random random;
    private final SimulatedBroker broker;
    private final Oracle truth;
    private int committed;

    ReceiptTopic(Random random, SimulatedBroker broker, Oracle truth) {
        this.random = random;
        this.broker = broker;
        this.truth = truth;
    }

    /** One process that reads the topic. */
    final class Reading {
        private final Node node;
        private final ReceiptProcessor processor;
        private final TreeSet<Integer> open = new TreeSet<>();
        private int position = committed;

        Reading(Node node, ReceiptProcessor processor) {
            this.node = node;
            this.processor = processor;
        }

        /** Takes new receipts, and has them written. */
        void poll() {
            if (random.nextInt(100) == 0) {
                position = 0; // the group was reset
            }
            while (position < broker.receipts().size()) {
                int offset = position++;
                open.add(offset);
                processor.accept(new Handed(offset));
            }
            try {
                ReceiptProcessors.runOnce(processor);
            } catch (InterruptedException e) {
                throw new IllegalStateException("this thread is never interrupted", e);
            }
        }

        private final class Handed implements Delivery {
            private final int offset;

            Handed(int offset) {
                this.offset = offset;
            }

            @Override
            public Message message() {
                return broker.receipts().get(offset);
            }

            @Override
            public void done() {
                node.requireAlive();
                open.remove(offset);
                committed = Math.max(committed, open.isEmpty() ? position : open.first());
            }

            @Override
            public void deadLetter(Failure failure) {
                node.requireAlive();
                truth.deadLettered(ReceiptMessages.read(message().body()).eventId());
                done();
            }

            @Override
            public void abandoned() {}
        }
    }
}
