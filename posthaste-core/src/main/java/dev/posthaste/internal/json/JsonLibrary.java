package dev.posthaste.internal.json;

/** A library that reads JSON token by token. All have the same limits. Thread-safe. */
public interface JsonLibrary {
    /** How deep objects and arrays may be nested. */
    int MAX_DEPTH = 500;

    int MAX_TEXT_LENGTH = 100_000_000;
    int MAX_NAME_LENGTH = 50_000;
    int MAX_NUMBER_LENGTH = 1_000;

    /** @throws JsonException if its encoding cannot be determined */
    JsonReader read(byte[] json);

    JsonReader read(String json);
}
