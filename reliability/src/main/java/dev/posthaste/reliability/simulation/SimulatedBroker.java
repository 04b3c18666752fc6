package dev.posthaste.reliability.simulation;

import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A broker as its clients meet it: messages arrive late or never, answers are lost, and between different messages nothing
 * keeps its order. What arrived stays, in partitions by key.
 */
final class SimulatedBroker {
    static final int PARTITIONS = 3;
    private static final long TIMEOUT = 400_000_000L;
    private static final long TOP_LATENCY = 15_000_000L;
    private static final long LATE = 2_000_000_000L;

    private final Schedule schedule;
    private final Random random;
    private final Truth truth;
    private final Node network = new Node(Node.Role.OPERATOR, "network", 0);
    private final List<List<Message>> partitions = new ArrayList<>();
    private double failing;
    private long awayUntil;
    private long silentUntil;

    SimulatedBroker(Schedule schedule, Random random, Truth truth) {
        this.schedule = schedule;
        this.random = random;
        this.truth = truth;
        for (int i = 0; i < PARTITIONS; i++) {
            partitions.add(new ArrayList<>());
        }
    }

    /** @param share of the messages that meet some fault */
    void failing(double share) {
        failing = share;
    }

    /** It refuses connections. */
    void goAway(long nanos) {
        awayUntil = schedule.now() + nanos;
    }

    /** It takes what is sent, or does not, and says nothing. */
    void fallSilent(long nanos) {
        silentUntil = schedule.now() + nanos;
    }

    void heal() {
        failing = 0;
        awayUntil = 0;
        silentUntil = 0;
    }

    @Nullable
    Message at(int partition, int position) {
        List<Message> log = partitions.get(partition);
        return position < log.size() ? log.get(position) : null;
    }

    /** The broker as one node sees it. */
    Broker seenBy(Node node) {
        return new Broker() {
            @Override
            public void publish(Message message, Consumer<Outcome> callback) {
                node.requireAlive();
                schedule.happened("%s publishes %s", node, message.eventId());
                send(node, message, outcome -> {
                    schedule.happened("%s hears of %s: %s", node, message.eventId(), outcome);
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

    private void send(Node node, Message message, Consumer<Outcome> callback) {
        if (awayUntil > schedule.now()) {
            answer(1_000_000L, node, callback, new Outcome.Unavailable("away"));
        } else if (silentUntil > schedule.now()) {
            if (random.nextBoolean()) {
                arrive(random.nextLong(LATE), message);
            }
            answer(TIMEOUT, node, callback, new Outcome.Unknown("no answer"));
        } else if (random.nextDouble() < failing) {
            fail(node, message, callback);
        } else {
            long latency = 1 + random.nextLong(TOP_LATENCY);
            arrive(latency, message);
            answer(latency + random.nextLong(TOP_LATENCY), node, callback, Outcome.ACKNOWLEDGED);
        }
    }

    private void fail(Node node, Message message, Consumer<Outcome> callback) {
        switch (random.nextInt(7)) {
            case 0 -> answer(TIMEOUT, node, callback, new Outcome.Unknown("the request was lost"));
            case 1 -> {
                arrive(random.nextLong(TOP_LATENCY), message);
                answer(TIMEOUT, node, callback, new Outcome.Unknown("the answer was lost"));
            }
            case 2 -> {
                arrive(TIMEOUT + random.nextLong(LATE), message);
                answer(TIMEOUT, node, callback, new Outcome.Unknown("the request comes late"));
            }
            case 3 -> answer(random.nextLong(TOP_LATENCY), node, callback, Outcome.rejected("not now"));
            case 4 -> answer(random.nextLong(TOP_LATENCY), node, callback, new Outcome.Unavailable("overloaded"));
            case 5 -> { // slow, but in time
                long latency = random.nextLong(TIMEOUT);
                arrive(latency, message);
                answer(latency, node, callback, Outcome.ACKNOWLEDGED);
            }
            default -> {
                arrive(random.nextLong(TOP_LATENCY), message);
                arrive(random.nextLong(LATE), message); // by a client's own resending
                answer(TOP_LATENCY, node, callback, Outcome.ACKNOWLEDGED);
            }
        }
    }

    private void arrive(long after, Message message) {
        schedule.in(after, network, new Object(), () -> {
            truth.arrived(message.eventId());
            String key = message.key();
            int partition = key == null ? random.nextInt(PARTITIONS) : Math.floorMod(key.hashCode(), PARTITIONS);
            partitions.get(partition).add(message);
        });
    }

    /** To a node that is dead by then, nothing is said. */
    private void answer(long after, Node node, Consumer<Outcome> callback, Outcome outcome) {
        schedule.in(after, node, new Object(), () -> callback.accept(outcome));
    }
}
