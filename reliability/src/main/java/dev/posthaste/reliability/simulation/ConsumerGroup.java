package dev.posthaste.reliability.simulation;

import dev.posthaste.broker.Message;
import dev.posthaste.inbox.Delivery;
import dev.posthaste.inbox.Failure;
import dev.posthaste.inbox.Receiver;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Gives each partition to one member at a time. A member that was not heard of for a while loses its partitions and may
 * go on with what it had begun, not knowing it; who gets them begins after the last message that was committed.
 */
final class ConsumerGroup {
    private static final long SESSION = 700_000_000L;
    private static final int WINDOW = 4;

    private final Schedule schedule;
    private final Random random;
    private final Truth truth;
    private final SimulatedBroker broker;
    private final List<Member> members = new ArrayList<>();
    private final @Nullable Member[] owners = new Member[SimulatedBroker.PARTITIONS];
    private final int[] generations = new int[SimulatedBroker.PARTITIONS];
    private final int[] committed = new int[SimulatedBroker.PARTITIONS];

    ConsumerGroup(Schedule schedule, Random random, Truth truth, SimulatedBroker broker) {
        this.schedule = schedule;
        this.random = random;
        this.truth = truth;
        this.broker = broker;
    }

    Member join(Node node, Receiver receiver) {
        Member member = new Member(node, receiver);
        members.add(member);
        return member;
    }

    /** Looks who is still there, and shares the partitions out again if that changed. */
    void rebalance() {
        members.removeIf(member -> member.node.dead() || schedule.now() - member.heardOf > SESSION);
        for (int partition = 0; partition < owners.length && !members.isEmpty(); partition++) {
            Member wanted = members.get(partition % members.size());
            if (owners[partition] != wanted) {
                schedule.happened("%s gets partition %d from %d on", wanted.node, partition, committed[partition]);
                owners[partition] = wanted;
                generations[partition]++;
            }
        }
    }

    /** A consumer process in the group. */
    final class Member {
        private final Node node;
        private final Receiver receiver;
        private final int[] known = new int[SimulatedBroker.PARTITIONS];
        private final int[] assignments = new int[SimulatedBroker.PARTITIONS];
        private final int[] position = new int[SimulatedBroker.PARTITIONS];
        private final List<TreeSet<Integer>> open = new ArrayList<>();
        private long heardOf;

        Member(Node node, Receiver receiver) {
            this.node = node;
            this.receiver = receiver;
            this.heardOf = schedule.now();
            for (int i = 0; i < SimulatedBroker.PARTITIONS; i++) {
                open.add(new TreeSet<>());
            }
        }

        /** Hears what it owns, says that it is there, and takes what has come. */
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
            while (message != null && its.size() < WINDOW) {
                int offset = position[partition]++;
                its.add(offset);
                schedule.happened("%s takes %s, %d/%d", node, message.eventId(), partition, offset);
                receiver.accept(new Handed(this, partition, offset, message));
                message = broker.at(partition, position[partition]);
            }
            if (random.nextInt(200) == 0) {
                known[partition] = 0; // it will find its partition again, and what was not committed
            }
        }
    }

    /** A message that a member was given. */
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
            schedule.happened("%s is done with %s", member.node, message.eventId());
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
            truth.deadLettered(message.eventId());
            done();
        }

        @Override
        public void abandoned() {
            schedule.happened("%s lets go of %s", member.node, message.eventId());
        }
    }
}
