package dev.posthaste;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;

/**
 * Makes event ids: UUIDv7 (RFC 9562), unique without asking anybody and growing within one process. They decide
 * identity; a row's number never does, because databases give numbers out again after some restarts. Thread-safe.
 */
public final class EventId {
    private static final TimeBasedEpochGenerator GENERATOR = Generators.timeBasedEpochGenerator();

    private EventId() {}

    /** A new id, 36 characters. */
    public static String next() {
        return GENERATOR.generate().toString();
    }
}
