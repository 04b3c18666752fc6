package dev.posthaste.fuzz;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A promise that an input breaks. */
final class Finding extends RuntimeException {
    private static final long serialVersionUID = 1;

    Finding(String what, @Nullable Throwable cause) {
        super(what, cause);
    }

    Finding(String what) {
        this(what, null);
    }

    static void unless(boolean kept, String promise) {
        if (!kept) {
            throw new Finding(promise);
        }
    }

    /** @throws Finding unless both are equal */
    static void unlessEqual(String what, @Nullable Object expected, @Nullable Object found) {
        if (!Objects.equals(expected, found)) {
            throw new Finding(what + ": " + Dice.shown(String.valueOf(found)) + " instead of "
                    + Dice.shown(String.valueOf(expected)));
        }
    }
}
