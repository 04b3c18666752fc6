package dev.posthaste.inbox;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Deliveries by lane, each of which is handled in its order. Thread-safe. */
final class DeliveryLanes {
    private final Map<Object, Deque<Attempt>> lanes = new HashMap<>(); // guarded by this, like the next
    private final Map<TypedHandler<?>, Set<Attempt>> ready = new HashMap<>();

    /** @return whether it is the first of its lane, and so is to be run */
    synchronized boolean add(Attempt attempt) {
        Deque<Attempt> lane = lanes.computeIfAbsent(attempt.lane, key -> new ArrayDeque<>(2));
        lane.add(attempt);
        return lane.size() == 1;
    }

    /** Removes the head of a lane; returns the one to run next. */
    synchronized @Nullable Attempt remove(Attempt head) {
        Deque<Attempt> lane = lanes.get(head.lane);
        if (lane == null || lane.peek() != head) {
            return null; // abandoned by close() meanwhile
        }
        lane.poll();
        Attempt next = lane.peek();
        if (next == null) {
            lanes.remove(head.lane);
        }
        return next;
    }

    /** Removes everything. */
    synchronized List<Attempt> clear() {
        List<Attempt> all = new ArrayList<>();
        lanes.values().forEach(all::addAll);
        lanes.clear();
        ready.clear();
        return all;
    }

    // --- Batches -----------------------------------------------------------------------------------------------------

    /** The head of a lane waits for a batch. */
    synchronized void offer(TypedHandler<?> handler, Attempt head) {
        ready.computeIfAbsent(handler, each -> new LinkedHashSet<>()).add(head);
    }

    /**
     * Takes what waits for a batch, up to the handler's maximum: heads of lanes, each with those right behind it that
     * go into the same batch, in their order.
     */
    synchronized List<List<Attempt>> take(TypedHandler<?> handler) {
        Iterator<Attempt> heads = ready.getOrDefault(handler, Set.of()).iterator();
        List<List<Attempt>> taken = new ArrayList<>();
        int room = handler.max();
        while (room > 0 && heads.hasNext()) {
            Attempt head = heads.next();
            heads.remove();
            List<Attempt> group = group(handler, head, room);
            if (!group.isEmpty()) {
                room -= group.size();
                taken.add(group);
            }
        }
        return taken;
    }

    private List<Attempt> group(TypedHandler<?> handler, Attempt head, int room) {
        List<Attempt> group = new ArrayList<>();
        for (Attempt each : lanes.getOrDefault(head.lane, new ArrayDeque<>())) {
            if (group.size() == room || each.batch != handler || !each.isForBatch()) {
                break;
            }
            group.add(each);
        }
        return group;
    }
}
