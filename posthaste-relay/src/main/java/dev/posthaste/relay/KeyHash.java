package dev.posthaste.relay;

import dev.posthaste.internal.store.Pending;
import org.jspecify.annotations.Nullable;

/**
 * A key as a 64-bit number, computed from all its characters; an event without a key has a number of its own. It is the
 * same in every process. Two keys with the same number count as one and wait for each other.
 */
final class KeyHash {
    private static final long OF_KEYS = 0xCBF29CE484222325L;
    private static final long OF_IDS = 0x5DEECE66DL;

    private KeyHash() {}

    static long of(Pending event) {
        return of(event.key(), event.id());
    }

    static long of(@Nullable String key, long id) {
        if (key == null) {
            return mixed(id ^ OF_IDS);
        }
        long hash = OF_KEYS;
        for (int i = 0; i < key.length(); i++) {
            hash = mixed(hash ^ key.charAt(i));
        }
        return mixed(hash);
    }

    private static long mixed(long value) {
        long mixed = (value ^ (value >>> 32)) * 0x9E3779B97F4A7C15L;
        return mixed ^ (mixed >>> 29);
    }
}
