package dev.posthaste.internal.json;

import org.jspecify.annotations.Nullable;

/** Finds what reads JSON: Jackson 3, else Jackson 2. */
public final class JsonLibraries {
    /** What to add where neither is present. */
    public static final String COORDINATES = "tools.jackson.core:jackson-databind (Jackson 3) or"
            + " com.fasterxml.jackson.core:jackson-databind (Jackson 2, 2.18 or later)";

    private static final @Nullable JsonLibrary FOUND = find();

    private JsonLibraries() {}

    /** Whether no JSON can be read: no headers of stored events, no envelopes, no receipts. */
    public static boolean isMissing() {
        return FOUND == null;
    }

    /** @throws IllegalStateException if there is none */
    static JsonLibrary found() {
        if (FOUND == null) {
            throw new IllegalStateException("JSON cannot be read: there is no Jackson. Add " + COORDINATES);
        }
        return FOUND;
    }

    private static @Nullable JsonLibrary find() {
        try {
            return tried(new Jackson3Json());
        } catch (LinkageError absent) {
            try {
                return tried(new Jackson2Json());
            } catch (LinkageError none) {
                return null;
            }
        }
    }

    private static JsonLibrary tried(JsonLibrary library) {
        try (JsonReader reader = library.read("{\"a\":[1]}")) {
            reader.next();
            reader.skip();
        }
        return library;
    }
}
