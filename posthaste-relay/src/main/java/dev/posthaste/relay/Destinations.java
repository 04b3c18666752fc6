package dev.posthaste.relay;

import dev.posthaste.internal.store.StoredRow;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/** The destinations to which an outbox's events go, and whose turn it is. Confined to the pump's thread. */
final class Destinations {
    private static final int FEW_LANES = 16;

    private final OutboxRuntime parts;
    private final boolean several;
    private final Map<String, Destination> byName = new HashMap<>();
    private final List<Destination> all = new ArrayList<>();
    private int turn;
    /** For events that name a destination that is not allowed: they are refused without asking a broker. */
    private final Destination nowhere = new Destination(0, Integer.MAX_VALUE, false);

    Destinations(OutboxRuntime parts) {
        this.parts = parts;
        this.several = !parts.outbox().allowedDestinations().isEmpty();
    }

    /**
     * How many events of a key may be in memory. The few lanes that a destination keeps while it is slow or unavailable
     * then hold at most half of the window, and the others have the rest.
     */
    int maxPerLane() {
        int fair = Math.max(2, parts.settings().window() / (2 * FEW_LANES));
        return several ? Math.min(Lane.MAX_EVENTS, fair) : Lane.MAX_EVENTS;
    }

    /** Where an event goes. */
    Destination of(StoredRow event) {
        String own = event.destination();
        String name = own == null ? parts.outbox().route().destination() : own;
        if (!parts.outbox().allows(name)) {
            return nowhere;
        }
        Destination known = byName.get(name);
        return known == null ? add(name) : known;
    }

    private Destination add(String name) {
        int window = parts.settings().window();
        Destination added = new Destination(
                all.size() + 1,
                several ? Math.max(1, window / 4) : window,
                !parts.broker().acknowledgesHandling());
        byName.put(name, added);
        all.add(added);
        return added;
    }

    /** Gives each its turn, starting with a different one each time; returns the sum. */
    int inTurn(ToIntFunction<Destination> dispatch) {
        int sum = dispatch.applyAsInt(nowhere);
        for (int i = 0; i < all.size(); i++) {
            sum += dispatch.applyAsInt(all.get((turn + i) % all.size()));
        }
        turn = (turn + 1) % Math.max(1, all.size()); // a throttle must not give everything to the same one
        return sum;
    }

    /**
     * Where events go to several destinations, those for a slow or unavailable one stay in the table, all but a few.
     */
    void makeRoomForOthers(KeyGate gate, long now) {
        if (!several) {
            return;
        }
        boolean healthy = parts.broker().healthy();
        for (Destination destination : all) {
            int few = destination.open() ? FEW_LANES : Math.max(FEW_LANES, 2 * destination.limit());
            boolean slow = destination.holdsUp(now);
            if (healthy && slow) {
                gate.park(destination, few, now);
            }
            boolean idle = destination.open()
                    ? destination.ready.isEmpty() && destination.allows(now)
                    : destination.ready.size() < few / 2;
            if (idle && gate.hasParked()) {
                gate.unpark(destination, slow ? few : Integer.MAX_VALUE, now);
            }
        }
    }

    boolean anyUnavailable() {
        for (Destination each : all) {
            if (each.unavailable()) {
                return true;
            }
        }
        return false;
    }

    /** When the next one that has events in {@code lanes} and does not answer is probed, or {@link Long#MAX_VALUE}. */
    long nextProbeAt(Lanes lanes) {
        long next = Long.MAX_VALUE;
        for (Destination each : all) {
            if (each.open() && lanes.peek(each) != null) {
                next = Reader.earlier(next, each.openUntil());
            }
        }
        return next;
    }
}
