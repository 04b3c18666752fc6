package dev.posthaste.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The wall clock of processes started with {@link #environment}, which a file controls; their monotonic clock stays
 * right.
 */
public final class WallClock {
    private static final Path LIBRARY = Path.of("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1");

    private final Path file;

    public WallClock(Path file) {
        Programs.require(LIBRARY);
        this.file = file;
        step("+0s");
    }

    /** Within a second, the clock is wrong by {@code offset}: {@code +2h}, {@code -2h}, {@code +0s}. */
    public void step(String offset) {
        try {
            Files.writeString(file, offset);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** For {@link Processes#java}. */
    public Map<String, String> environment() {
        return Map.of(
                "LD_PRELOAD", LIBRARY.toString(),
                "FAKETIME_TIMESTAMP_FILE", file.toString(),
                "FAKETIME_CACHE_DURATION", "1",
                "FAKETIME_DONT_FAKE_MONOTONIC", "1",
                // Otherwise every timed wait of a JVM ends immediately, and it spins.
                "FAKETIME_FORCE_MONOTONIC_FIX", "0");
    }
}
