package dev.posthaste.relay;

import dev.posthaste.journal.PendingEvent;
import java.util.ArrayDeque;

/** The events of one key that are in memory; of an event without a key, a lane of its own. Belongs to the gate. */
final class Lane {
    final long key;
    final boolean keyed;
    final ArrayDeque<Held> queue = new ArrayDeque<>(4);
    boolean inFlight;
    boolean ready;
    /** When the head may be sent again; 0 when it may be now. */
    long resendAt;

    Lane(long key, boolean keyed) {
        this.key = key;
        this.keyed = keyed;
    }

    /** An event in a lane. */
    static final class Held {
        final PendingEvent event;
        final Destination destination;
        final Lane lane;
        int resends;
        long handedOverAt;
        boolean handedOver;

        Held(PendingEvent event, Destination destination, Lane lane, int resends) {
            this.event = event;
            this.destination = destination;
            this.lane = lane;
            this.resends = resends;
        }

        /** What it takes in memory. */
        long bytes() {
            String headers = event.event().headers();
            return event.event().payload().length + (headers == null ? 0 : headers.length()) + 200L;
        }
    }
}
