package dev.posthaste.reliability.torture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What a writer tried and what it knows, one line each, on the disk before it continues. Thread-safe. */
final class History implements AutoCloseable {
    private final Lines lines;

    private History(Lines lines) {
        this.lines = lines;
    }

    static History open(Path path) throws IOException {
        return new History(new Lines(path));
    }

    /** Durable before the transaction begins. */
    void attempted(String transaction, int events) throws IOException {
        lines.add("A " + transaction + " " + events);
        lines.force();
    }

    /** If this is lost, the transaction's outcome is merely unknown. */
    void ended(String transaction, WriterProcess.Fate fate) throws IOException {
        lines.add((fate == WriterProcess.Fate.COMMITTED ? "C " : fate == WriterProcess.Fate.ROLLED_BACK ? "R " : "U ")
                + transaction);
    }

    void failed(String transaction, SQLException e) throws IOException {
        lines.add("F " + transaction + " " + System.currentTimeMillis() + " " + e.getSQLState() + " " + e.getErrorCode()
                + " " + String.valueOf(e.getMessage()).replace('\n', ' '));
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }

    /**
     * All writers' histories.
     *
     * @param events the number of events of each transaction that was tried
     * @param fates their known outcomes; missing ones are unknown
     * @param failures lines of transactions that failed
     */
    record Read(Map<String, Integer> events, Map<String, Character> fates, List<String> failures) {}

    static Read read(Path home) throws IOException {
        Map<String, Integer> events = new HashMap<>();
        Map<String, Character> fates = new HashMap<>();
        List<String> failures = new java.util.ArrayList<>();
        try (Stream<Path> files = Files.list(home)) {
            for (Path file :
                    files.filter(each -> each.toString().endsWith(".history")).toList()) {
                for (String line : Lines.whole(file)) {
                    String[] words = line.split(" ", 4);
                    switch (words[0]) {
                        case "A" -> events.put(words[1], Integer.valueOf(words[2]));
                        case "C", "R" -> fates.put(words[1], words[0].charAt(0));
                        case "F" -> failures.add(line);
                        default -> {}
                    }
                }
            }
        }
        return new Read(events, fates, failures);
    }
}
