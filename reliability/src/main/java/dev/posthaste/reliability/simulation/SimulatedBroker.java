package dev.posthaste.reliability.simulation;

import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.receipts.ReceiptMessages;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A broker as its clients experience it: messages arrive late or never, responses are lost, and different messages may
 * be reordered. What has arrived is kept, in partitions by key.
 */
final class SimulatedBroker {
    static final String TOPIC = "orders-topic";
    /** The topic that fails separately. */
    static final String SECOND_TOPIC = "orders-topic-2";
    /** Per topic. */
    private static final int PARTITIONS = 3;

    private static final long TIMEOUT = 400_000_000L;
    private static final long TOP_LATENCY = 15_000_000L;
    private static final long LATE = 2_000_000_000L;

    private final Schedule schedule;
    private final Random random;
    private final Oracle truth;
    private final Node network = new Node(Node.Role.OPERATOR, "network", 0);
    private final List<List<Message>> partitions = new ArrayList<>();
    private final List<Message> receipts = new ArrayList<>();
    private double failing;
    private long awayUntil;
    private long silentUntil;
    private Trouble trouble = Trouble.AWAY;
    private long troubledUntil;

    /** The separate faults of the second destination. */
    private enum Trouble {
        AWAY,
        SILENT,
        SLOW,
        MISSING
    }

    /** @param topics 1, or 2 to include the second topic */
    SimulatedBroker(Schedule schedule, Random random, Oracle truth, int topics) {
        this.schedule = schedule;
        this.random = random;
        this.truth = truth;
        for (int i = 0; i < topics * PARTITIONS; i++) {
            partitions.add(new ArrayList<>());
        }
    }

    /** @param share of the messages to which some fault happens */
    void failing(double share) {
        failing = share;
    }

    /** Makes it refuse connections. */
    void goAway(long nanos) {
        awayUntil = schedule.now() + nanos;
    }

    /** Makes it accept messages, or not, without answering. */
    void fallSilent(long nanos) {
        silentUntil = schedule.now() + nanos;
    }

    /** Makes only the second destination unavailable, silent, slow or missing. */
    void troubleSecond(long nanos) {
        trouble = Trouble.values()[random.nextInt(Trouble.values().length)];
        troubledUntil = schedule.now() + nanos;
        schedule.happened("the second destination is %s", trouble);
    }

    int partitions() {
        return partitions.size();
    }

    void heal() {
        troubledUntil = 0;
        failing = 0;
        awayUntil = 0;
        silentUntil = 0;
    }

    @Nullable
    Message at(int partition, int position) {
        List<Message> log = partitions.get(partition);
        return position < log.size() ? log.get(position) : null;
    }

    /** A broker in the node's own process, to which no faults happen. */
    Broker around(Broker local, Node node) {
        return new Broker() {
            @Override
            public void publish(Message message, Consumer<Outcome> callback) {
                node.requireAlive();
                schedule.happened("%s hands %s over", node, message.eventId());
                Oracle.Sending sending = truth.sent(node, message);
                truth.arrived(message.eventId());
                local.publish(message, outcome -> {
                    schedule.happened("%s gets the outcome of %s: %s", node, message.eventId(), outcome);
                    if (outcome instanceof Outcome.Acknowledged) {
                        truth.acknowledged(sending, message.eventId());
                    } else if (outcome instanceof Outcome.Rejected) {
                        truth.refused(message.eventId());
                        truth.givenUp(message.eventId());
                    }
                    callback.accept(outcome);
                });
            }

            @Override
            public boolean healthy() {
                return true;
            }

            @Override
            public boolean acknowledgesHandling() {
                return local.acknowledgesHandling();
            }

            @Override
            public void close() {
                local.close();
            }
        };
    }

    /** The broker as seen by one node. */
    Broker seenBy(Node node) {
        return new Broker() {
            @Override
            public void publish(Message message, Consumer<Outcome> callback) {
                node.requireAlive();
                schedule.happened("%s publishes %s", node, message.eventId());
                Oracle.Sending sending = truth.sent(node, message);
                send(node, message, outcome -> {
                    schedule.happened("%s gets the outcome of %s: %s", node, message.eventId(), outcome);
                    if (outcome instanceof Outcome.Acknowledged) {
                        truth.acknowledged(sending, message.eventId());
                    }
                    if (outcome instanceof Outcome.Rejected) {
                        truth.refused(message.eventId());
                    }
                    callback.accept(outcome);
                });
            }

            @Override
            public boolean healthy() {
                return awayUntil <= schedule.now();
            }

            @Override
            public void close() {}
        };
    }

    /** The broker as seen by an operator's replay. */
    Broker forReplays(Node node, Replayed.Attempt attempt) {
        return new Broker() {
            @Override
            public void publish(Message message, Consumer<Outcome> callback) {
                node.requireAlive();
                schedule.happened("%s replays %s", node, message.eventId());
                truth.replayed().sent(node, message, attempt);
                send(node, message, outcome -> {
                    if (outcome instanceof Outcome.Acknowledged) {
                        truth.replayed().acknowledged(message);
                    }
                    callback.accept(outcome);
                });
            }

            @Override
            public boolean healthy() {
                return awayUntil <= schedule.now();
            }

            @Override
            public void close() {}
        };
    }

    /** The topic for receipts, as seen by a consumer. */
    Broker forReceipts(Node node) {
        return new Broker() {
            @Override
            public void publish(Message message, Consumer<Outcome> callback) {
                node.requireAlive();
                send(node, message, callback);
            }

            @Override
            public boolean healthy() {
                return awayUntil <= schedule.now();
            }

            @Override
            public void close() {}
        };
    }

    /** All receipts that have arrived, in order. */
    List<Message> receipts() {
        return receipts;
    }

    private void send(Node node, Message message, Consumer<Outcome> callback) {
        if (awayUntil > schedule.now()) {
            answer(1_000_000L, node, callback, Outcome.unavailable("away"));
        } else if (silentUntil > schedule.now()) {
            if (random.nextBoolean()) {
                arrive(random.nextLong(LATE), message);
            }
            answer(TIMEOUT, node, callback, Outcome.unknown("no answer"));
        } else if (troubledUntil > schedule.now() && message.destination().equals(SECOND_TOPIC)) {
            failSecond(node, message, callback);
        } else if (random.nextDouble() < failing) {
            fail(node, message, callback);
        } else {
            long latency = 1 + random.nextLong(TOP_LATENCY);
            arrive(latency, message);
            answer(latency + random.nextLong(TOP_LATENCY), node, callback, Outcome.acknowledged());
        }
    }

    private void failSecond(Node node, Message message, Consumer<Outcome> callback) {
        switch (trouble) {
            case AWAY -> answer(random.nextLong(TOP_LATENCY), node, callback, Outcome.unavailable("no leader"));
            case SILENT -> answer(TIMEOUT, node, callback, Outcome.unknown("no answer"));
            case MISSING ->
                answer(random.nextLong(TOP_LATENCY), node, callback, Outcome.rejected("there is no such topic"));
            case SLOW -> {
                long latency = random.nextLong(TIMEOUT);
                arrive(latency, message);
                answer(latency, node, callback, Outcome.acknowledged());
            }
        }
    }

    private void fail(Node node, Message message, Consumer<Outcome> callback) {
        switch (random.nextInt(7)) {
            case 0 -> answer(TIMEOUT, node, callback, Outcome.unknown("the request was lost"));
            case 1 -> {
                arrive(random.nextLong(TOP_LATENCY), message);
                answer(TIMEOUT, node, callback, Outcome.unknown("the answer was lost"));
            }
            case 2 -> {
                arrive(TIMEOUT + random.nextLong(LATE), message);
                answer(TIMEOUT, node, callback, Outcome.unknown("the request arrives late"));
            }
            case 3 -> answer(random.nextLong(TOP_LATENCY), node, callback, Outcome.rejected("not now \uD83D\uDE00"));
            case 4 -> answer(random.nextLong(TOP_LATENCY), node, callback, Outcome.unavailable("overloaded"));
            case 5 -> { // slow, but in time
                long latency = random.nextLong(TIMEOUT);
                arrive(latency, message);
                answer(latency, node, callback, Outcome.acknowledged());
            }
            default -> {
                arrive(random.nextLong(TOP_LATENCY), message);
                arrive(random.nextLong(LATE), message); // resent by the client itself
                answer(TOP_LATENCY, node, callback, Outcome.acknowledged());
            }
        }
    }

    private void arrive(long after, Message message) {
        schedule.in(after, network, new Object(), () -> {
            if (ReceiptMessages.TYPE.equals(message.eventType())) {
                receipts.add(message);
                return;
            }
            truth.arrived(message.eventId());
            String key = message.key();
            int partition = key == null ? random.nextInt(PARTITIONS) : Math.floorMod(key.hashCode(), PARTITIONS);
            partition += SECOND_TOPIC.equals(message.destination()) ? PARTITIONS : 0;
            partitions.get(partition).add(message);
        });
    }

    /** A node that is dead by then gets no answer. */
    private void answer(long after, Node node, Consumer<Outcome> callback, Outcome outcome) {
        schedule.in(after, node, new Object(), () -> callback.accept(outcome));
    }
}
