package dev.posthaste.reliability.torture;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What a writer tried and what it knows, a line each, on the disk before it goes on. Thread-safe. */
final class History implements AutoCloseable {
    private final FileChannel file;

    private History(FileChannel file) {
        this.file = file;
    }

    static History open(Path path) throws IOException {
        return new History(
                FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND, StandardOpenOption.WRITE));
    }

    /** Durable before the transaction begins. */
    void attempted(String transaction, int events) throws IOException {
        line("A " + transaction + " " + events);
        file.force(false);
    }

    /** If this is lost, its fate is unknown, and that is all. */
    void ended(String transaction, WriterProcess.Fate fate) throws IOException {
        line((fate == WriterProcess.Fate.COMMITTED ? "C " : fate == WriterProcess.Fate.ROLLED_BACK ? "R " : "U ")
                + transaction);
    }

    void failed(String transaction, SQLException e) throws IOException {
        line("F " + transaction + " " + System.currentTimeMillis() + " " + e.getSQLState() + " " + e.getErrorCode()
                + " " + String.valueOf(e.getMessage()).replace('\n', ' '));
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    private synchronized void line(String line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            file.write(bytes);
        }
    }

    /**
     * All writers' histories.
     *
     * @param events of each transaction that was tried, how many
     * @param fates what is known of them; those that are missing are unknown
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
                String text = Files.readString(file);
                // The last line may have been cut by a kill.
                for (String line : text.substring(0, text.lastIndexOf('\n') + 1).split("\n")) {
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
