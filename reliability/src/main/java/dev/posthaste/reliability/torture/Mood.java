package dev.posthaste.reliability.torture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * How handlers and listeners behave: the nemesis writes it into a file, and all processes read it.
 *
 * @param strength the share of calls that go wrong; for {@link Kind#SLOW} milliseconds, for {@link Kind#STOPPING} a
 *     unique number
 */
record Mood(Kind kind, double strength) {
    static final Mood CALM = new Mood(Kind.CALM, 0);
    private static final String FILE = "mood";

    /** What goes wrong. */
    enum Kind {
        CALM,
        /** Handlers throw exceptions. */
        FAILING,
        /** Handlers throw errors, such as a missing class or a stack overflow. */
        ERRING,
        /** Handlers run into deadlocks and continue as if nothing had happened. */
        SWALLOWING,
        SLOW,
        /** The listeners of relays and consumers throw exceptions and errors. */
        LISTENERS,
        /** One handler stops its whole process between its effect and the commit. */
        STOPPING
    }

    /** Calm if there is no file, or an incomplete one. */
    static Mood read(Path home) {
        try {
            String[] words = Files.readString(home.resolve(FILE)).trim().split(" ");
            return new Mood(Kind.valueOf(words[0]), Double.parseDouble(words[1]));
        } catch (IOException | RuntimeException e) {
            return CALM;
        }
    }

    void write(Path home) throws IOException {
        Path next = Files.writeString(home.resolve("next-mood"), kind + " " + strength);
        Files.move(next, home.resolve(FILE), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Created by the handler that stops, with its process id in it; so only one does. */
    Path stopped(Path home) {
        return home.resolve("stopped-" + (long) strength);
    }
}
