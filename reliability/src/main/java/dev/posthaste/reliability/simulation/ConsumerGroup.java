package dev.posthaste.reliability.simulation;

import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Receiver;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Assigns each partition to one member at a time. A member that is silent for a while loses its partitions, and may
 * continue what it had begun without knowing; the new owner starts after the last committed message.
 */
final class ConsumerGroup {
    private static final long SESSION = 700_000_000L;
    private static final int WINDOW = 4;
    /** The same for worlds with ten thousand events. */
    private static final int WINDOW_OF_MANY = 200;

    private final Schedule schedule;
    private final Random random;
    private final Oracle truth;
    private final SimulatedBroker broker;
    private final List<Member> members = new ArrayList<>();
    private final @Nullable Member[] owners;
    private final int[] generations;
    private final int[] committed;
    private final int window;

    ConsumerGroup(Surroundings around) {
        this.schedule = around.schedule;
        this.random = around.random;
        this.truth = around.truth;
        this.broker = around.broker;
        this.owners = new Member[broker.partitions()];
        this.generations = new int[broker.partitions()];
        this.committed = new int[broker.partitions()];
        this.window = around.world.has(World.Trait.OUTLASTING_TRANSACTION) ? WINDOW_OF_MANY : WINDOW;
    }

    Member join(Node node, Receiver receiver) {
        Member member = new Member(node, receiver);
        members.add(member);
        return member;
    }

    /** Checks which members are still there, and reassigns the partitions if that changed. */
    void rebalance() {
        members.removeIf(member -> member.node.dead() || schedule.now() - member.heardOf > SESSION);
        for (int partition = 0; partition < owners.length && !members.isEmpty(); partition++) {
            Member wanted = members.get(partition % members.size());
            if (owners[partition] != wanted) {
                schedule.happened("%s gets partition %d from offset %d", wanted.node, partition, committed[partition]);
                owners[partition] = wanted;
                generations[partition]++;
            }
        }
    }

    /** A consumer process in the group. */
    final class Member {
        private final Node node;
        private final Receiver receiver;
        private final int[] known = new int[broker.partitions()];
        private final int[] assignments = new int[broker.partitions()];
        private final int[] position = new int[broker.partitions()];
        private final List<TreeSet<Integer>> open = new ArrayList<>();
        private long heardOf;

        Member(Node node, Receiver receiver) {
            this.node = node;
            this.receiver = receiver;
            this.heardOf = schedule.now();
            for (int i = 0; i < broker.partitions(); i++) {
                open.add(new TreeSet<>());
            }
        }

        /** Learns which partitions it owns, reports that it is alive, and takes new messages. */
        void poll() {
            heardOf = schedule.now();
            if (!members.contains(this)) {
                members.add(this);
            }
            for (int partition = 0; partition < owners.length; partition++) {
                if (owners[partition] != this) {
                    known[partition] = 0;
                } else {
                    if (known[partition] != generations[partition]) {
                        known[partition] = generations[partition];
                        assignments[partition]++;
                        position[partition] = committed[partition];
                        open.get(partition).clear();
                    }
                    take(partition);
                }
            }
        }

        private void take(int partition) {
            TreeSet<Integer> its = open.get(partition);
            Message message = broker.at(partition, position[partition]);
            while (message != null && its.size() < window) {
                int offset = position[partition]++;
                its.add(offset);
                schedule.happened("%s takes %s, %d/%d", node, message.eventId(), partition, offset);
                receiver.accept(new Handed(this, partition, offset, message));
                message = broker.at(partition, position[partition]);
            }
            if (random.nextInt(200) == 0) {
                known[partition] = 0; // it will be assigned its partition again, from the last committed offset
            }
        }
    }

    /** A message handed to a member. */
    private final class Handed implements Delivery {
        private final Member member;
        private final int partition;
        private final int offset;
        private final int assignment;
        private final Message message;

        Handed(Member member, int partition, int offset, Message message) {
            this.member = member;
            this.partition = partition;
            this.offset = offset;
            this.assignment = member.assignments[partition];
            this.message = message;
        }

        @Override
        public Message message() {
            return message;
        }

        @Override
        public boolean wanted() {
            return member.known[partition] != 0 && member.assignments[partition] == assignment;
        }

        @Override
        public void done() {
            member.node.requireAlive();
            schedule.happened("%s has finished %s", member.node, message.eventId());
            TreeSet<Integer> open = member.open.get(partition);
            boolean current = wanted() && generations[partition] == member.known[partition];
            if (wanted() && open.remove(offset) && current) {
                committed[partition] = open.isEmpty() ? member.position[partition] : open.first();
            }
        }

        @Override
        public void leftToOutbox() {
            member.node.requireAlive();
            truth.leftToOutbox(message);
            done();
        }

        @Override
        public void deadLetter(Failure failure) {
            member.node.requireAlive();
            truth.requireTried(message.eventId(), failure);
            truth.deadLettered(message.eventId());
            done();
        }

        @Override
        public void abandoned() {
            schedule.happened("%s abandons %s", member.node, message.eventId());
        }
    }
}
