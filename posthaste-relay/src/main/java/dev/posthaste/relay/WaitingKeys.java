package dev.posthaste.relay;

import java.util.function.LongConsumer;

/**
 * The keys with events that the relay left in the table: for each, the lowest event that was left and when to look at
 * it again. An outbox may have millions of them, so they are kept in arrays, about 70 bytes a key, and a key is
 * identified by a 64-bit number. Confined to the pump's thread.
 *
 * <p>A key that is here means: every pending event of this key with an id of {@code first} or above is in the table and
 * not in memory. {@code first} is an event's id, except while the key waits to be caught up with: then it is a lower
 * bound.
 */
final class WaitingKeys {
    /** There is no later event. */
    static final long NONE = Long.MAX_VALUE;

    /** There may be later events anywhere. */
    static final long UNKNOWN = Long.MIN_VALUE;

    /** What a key waits for. */
    enum State {
        /** For a time. */
        TIME,
        /** For room in its lane. */
        ROOM,
        /** For an operator, because one of its events is dead. */
        OPERATOR,
        /** For its destination to answer. */
        DESTINATION,
        /** For the next catching up to begin. */
        CATCH_UP,
        /** For the current catching up to meet its next event. */
        CATCHING_UP
    }

    private static final State[] STATES = State.values();
    private static final int STATE = 7;
    /** More than two events were left. */
    private static final int MANY = 8;
    /** Of a blocked key: its dead event was not met in the current round. */
    private static final int UNSEEN = 16;
    /** A slot in use. */
    private static final int USED = 32;

    private static final int FIRST_CAPACITY = 64;

    private long[] keys = new long[FIRST_CAPACITY];
    private long[] first = new long[FIRST_CAPACITY];
    private long[] rest = new long[FIRST_CAPACITY];
    private long[] at = new long[FIRST_CAPACITY];
    private byte[] flags = new byte[FIRST_CAPACITY];
    private byte[] resends = new byte[FIRST_CAPACITY];
    private int size;
    private final int[] inState = new int[STATES.length];
    private final TimerQueue timers = new TimerQueue();

    // --- Looking up --------------------------------------------------------------------------------------------------

    int size() {
        return size;
    }

    int size(State state) {
        return inState[state.ordinal()];
    }

    /** The key's slot, valid until the next {@link #put} or {@link #remove}; negative if the key is not here. */
    int find(long key) {
        int slot = home(key, keys.length);
        while ((flags[slot] & USED) != 0) {
            if (keys[slot] == key) {
                return slot;
            }
            slot = slot + 1 == keys.length ? 0 : slot + 1;
        }
        return -1;
    }

    long key(int slot) {
        return keys[slot];
    }

    /** The lowest event that was left. */
    long first(int slot) {
        return first[slot];
    }

    State state(int slot) {
        return STATES[flags[slot] & STATE];
    }

    /** Whether {@link #first} is a lower bound, and not an event's id. */
    boolean isFirstUnknown(int slot) {
        State state = state(slot);
        return state == State.CATCH_UP || state == State.CATCHING_UP;
    }

    /** When a wait for a time ends; of a wait for a destination, which. */
    long at(int slot) {
        return at[slot];
    }

    /** How often the first event has already been sent without an answer. */
    int resends(int slot) {
        return resends[slot];
    }

    // --- Changing ----------------------------------------------------------------------------------------------------

    /** Adds the key, or changes what is known of it; {@code later} is the second event that was left. */
    void put(long key, long id, long later) {
        int slot = find(key);
        if (slot < 0) {
            if ((size + 1) * 10L > keys.length * 7L) {
                grow();
            }
            slot = freeSlot(key, keys, flags);
            keys[slot] = key;
            flags[slot] = (byte) (USED | State.CATCH_UP.ordinal());
            inState[State.CATCH_UP.ordinal()]++;
            size++;
        }
        first[slot] = id;
        rest[slot] = later;
        resends[slot] = 0;
        flags[slot] &= ~MANY;
    }

    /** An event behind the first one was met. */
    void note(int slot, long id) {
        if (rest[slot] == NONE) {
            rest[slot] = id;
        } else if (rest[slot] != UNKNOWN && rest[slot] != id) {
            rest[slot] = Math.min(rest[slot], id);
            flags[slot] |= MANY;
        }
    }

    /** The second event that was left, {@link #NONE} or {@link #UNKNOWN}. */
    long rest(int slot) {
        return rest[slot];
    }

    /**
     * The first event is no longer left in the table: it was taken into memory, or is gone. What is known of the next
     * one becomes the first.
     *
     * @return false if nothing is left, and the key is no longer here
     */
    boolean advance(int slot) {
        if (rest[slot] == NONE) {
            remove(slot);
            return false;
        }
        if (rest[slot] == UNKNOWN) {
            first[slot] = first[slot] + 1;
            setState(slot, State.CATCH_UP, 0);
        } else {
            first[slot] = rest[slot];
            rest[slot] = (flags[slot] & MANY) != 0 ? UNKNOWN : NONE;
            flags[slot] &= ~MANY;
        }
        resends[slot] = 0;
        return true;
    }

    /** Moves the lower bound of a key that is being caught up with. */
    void moveTo(int slot, long id) {
        first[slot] = id;
        rest[slot] = UNKNOWN;
        resends[slot] = 0;
    }

    void setResends(int slot, int count) {
        resends[slot] = (byte) Math.min(count, 100);
    }

    void waitUntil(int slot, long time) {
        setState(slot, State.TIME, time);
        timers.add(time, keys[slot]);
        if (timers.size() > 1000 + 2 * size) {
            timers.retain((due, key) -> isDueAt(find(key), due));
        }
    }

    /** @param value which destination, where it waits for one */
    void setState(int slot, State state, long value) {
        inState[flags[slot] & STATE]--;
        inState[state.ordinal()]++;
        flags[slot] = (byte) (flags[slot] & ~(STATE | UNSEEN) | state.ordinal());
        at[slot] = value;
    }

    void remove(int slot) {
        inState[flags[slot] & STATE]--;
        size--;
        int hole = slot;
        int next = hole;
        while (true) {
            next = next + 1 == keys.length ? 0 : next + 1;
            if ((flags[next] & USED) == 0) {
                flags[hole] = 0;
                return;
            }
            int home = home(keys[next], keys.length);
            boolean between = hole < next ? home > hole && home <= next : home > hole || home <= next;
            if (!between) {
                keys[hole] = keys[next];
                first[hole] = first[next];
                rest[hole] = rest[next];
                at[hole] = at[next];
                flags[hole] = flags[next];
                resends[hole] = resends[next];
                hole = next;
            }
        }
    }

    // --- What is due -------------------------------------------------------------------------------------------------

    /** When the next wait for a time ends, or {@link Long#MAX_VALUE}. */
    long nextDueAt() {
        while (!timers.isEmpty() && !isDueAt(find(timers.firstNumber()), timers.firstTime())) {
            timers.removeFirst();
        }
        return timers.isEmpty() ? Long.MAX_VALUE : timers.firstTime();
    }

    /** Whether some wait for a time is over; then {@link #takeDue} returns whose. */
    boolean hasDue(long now) {
        return nextDueAt() != Long.MAX_VALUE && timers.isDue(now);
    }

    /** The key whose wait ended first; it waits for nothing until its state is set. */
    long takeDue() {
        long key = timers.firstNumber();
        timers.removeFirst();
        return key;
    }

    private boolean isDueAt(int slot, long time) {
        return slot >= 0 && at[slot] == time && state(slot) == State.TIME;
    }

    // --- All of a kind -----------------------------------------------------------------------------------------------

    /** Calls {@code action} with every key in {@code state}; it may change or remove keys. */
    void each(State state, LongConsumer action) {
        int left = size(state);
        if (left == 0) {
            return;
        }
        long[] found = new long[left];
        for (int slot = 0; slot < keys.length && left > 0; slot++) {
            if ((flags[slot] & USED) != 0 && state(slot) == state) {
                found[--left] = keys[slot];
            }
        }
        for (long key : found) {
            action.accept(key);
        }
    }

    /** The lowest first event of all keys in {@code state}, or {@link #NONE}. */
    long lowest(State state) {
        long lowest = NONE;
        if (size(state) > 0) {
            for (int slot = 0; slot < keys.length; slot++) {
                if ((flags[slot] & USED) != 0 && state(slot) == state) {
                    lowest = Math.min(lowest, first[slot]);
                }
            }
        }
        return lowest;
    }

    void setUnseen(int slot, boolean unseen) {
        flags[slot] = (byte) (unseen ? flags[slot] | UNSEEN : flags[slot] & ~UNSEEN);
    }

    boolean unseen(int slot) {
        return (flags[slot] & UNSEEN) != 0;
    }

    // --- Slots -------------------------------------------------------------------------------------------------------

    private static int home(long key, int capacity) {
        return (int) Math.floorMod(key ^ (key >>> 32), (long) capacity);
    }

    private static int freeSlot(long key, long[] keys, byte[] flags) {
        int slot = home(key, keys.length);
        while ((flags[slot] & USED) != 0) {
            slot = slot + 1 == keys.length ? 0 : slot + 1;
        }
        return slot;
    }

    private void grow() {
        int capacity = (int) Math.min(Integer.MAX_VALUE - 16L, keys.length * 3L / 2);
        long[] newKeys = new long[capacity];
        byte[] newFlags = new byte[capacity];
        int[] to = new int[keys.length];
        for (int slot = 0; slot < keys.length; slot++) {
            to[slot] = -1;
            if ((flags[slot] & USED) != 0) {
                to[slot] = freeSlot(keys[slot], newKeys, newFlags);
                newKeys[to[slot]] = keys[slot];
                newFlags[to[slot]] = flags[slot];
            }
        }
        keys = newKeys;
        flags = newFlags;
        first = moved(first, to, capacity);
        rest = moved(rest, to, capacity);
        at = moved(at, to, capacity);
        byte[] newResends = new byte[capacity];
        for (int slot = 0; slot < to.length; slot++) {
            if (to[slot] >= 0) {
                newResends[to[slot]] = resends[slot];
            }
        }
        resends = newResends;
    }

    private static long[] moved(long[] from, int[] to, int capacity) {
        long[] moved = new long[capacity];
        for (int slot = 0; slot < to.length; slot++) {
            if (to[slot] >= 0) {
                moved[to[slot]] = from[slot];
            }
        }
        return moved;
    }
}
