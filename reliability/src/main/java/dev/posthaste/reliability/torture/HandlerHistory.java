package dev.posthaste.reliability.torture;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What a consumer's handlers tried, and what was reported to them as done, one line each; separate from the database,
 * with which it is compared. A killed process loses none of it; it is on the disk within a tenth of a second.
 * Thread-safe.
 */
final class HandlerHistory {
    private static final String SUFFIX = ".handlers";
    private static final long FORCE_MILLIS = 100;

    private final Lines lines;

    HandlerHistory(Path home, String name) throws IOException {
        lines = new Lines(home.resolve(name + SUFFIX));
        Thread forcing = new Thread(this::force, "force");
        forcing.setDaemon(true);
        forcing.start();
    }

    private void force() {
        try {
            while (true) {
                lines.force();
                Thread.sleep(FORCE_MILLIS);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            // the process ends
        }
    }

    /** @param first whether no broker had refused the event before this message was sent */
    void trying(String event, boolean first) throws IOException {
        lines.add((first ? "F " : "T ") + event);
    }

    /** Posthaste reports that its transaction is committed. */
    void handled(String event) {
        try {
            lines.add("H " + event);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * All handlers' histories.
     *
     * @param atFirst events of which a message arrived that was sent before any refusal
     * @param twice events reported as handled more than once
     */
    record Read(Set<String> tried, Set<String> atFirst, Set<String> handled, List<String> twice) {}

    static Read read(Path home) throws IOException {
        Set<String> tried = new HashSet<>();
        Set<String> atFirst = new HashSet<>();
        Set<String> handled = new HashSet<>();
        List<String> twice = new ArrayList<>();
        try (Stream<Path> files = Files.list(home)) {
            for (Path file :
                    files.filter(each -> each.toString().endsWith(SUFFIX)).toList()) {
                for (String line : Lines.whole(file)) {
                    String event = line.substring(2);
                    if (line.startsWith("T ")) {
                        tried.add(event);
                    } else if (line.startsWith("F ")) {
                        tried.add(event);
                        atFirst.add(event);
                    } else if (!handled.add(event)) {
                        twice.add(event);
                    }
                }
            }
        }
        return new Read(tried, atFirst, handled, twice);
    }
}
