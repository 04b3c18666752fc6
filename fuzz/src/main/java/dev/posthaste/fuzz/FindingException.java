package dev.posthaste.fuzz;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A promise that an input breaks. */
final class FindingException extends RuntimeException {
    private static final long serialVersionUID = 1;

    FindingException(String what, @Nullable Throwable cause) {
        super(what, cause);
    }

    FindingException(String what) {
        this(what, null);
    }

    static void unless(boolean kept, String promise) {
        if (!kept) {
            throw new FindingException(promise);
        }
    }

    /** @throws FindingException unless both are equal */
    static void unlessEqual(String what, @Nullable Object expected, @Nullable Object found) {
        if (!Objects.equals(expected, found)) {
            throw new FindingException(what + ": " + Dice.shown(String.valueOf(found)) + " instead of "
                    + Dice.shown(String.valueOf(expected)));
        }
    }
}
