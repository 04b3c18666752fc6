package dev.posthaste.reliability.torture;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a process recorded about itself at one moment, by name; see {@link Vitals}.
 *
 * @param fresh whether it was written within the last seconds: a paused or dead process writes nothing
 */
record VitalSigns(Map<String, Long> values, boolean fresh) {
    private static final int TAIL_BYTES = 8192;
    private static final Duration FRESH = Duration.ofSeconds(3);

    /** Zero for a sign that was not recorded. */
    long get(String name) {
        return values.getOrDefault(name, 0L);
    }

    boolean is(String name) {
        return get(name) == 1;
    }

    /** The last signs of a process; none if it has written nothing yet. */
    static VitalSigns last(Path home, String process) throws IOException {
        return last(home.resolve(process + Vitals.SUFFIX));
    }

    private static VitalSigns last(Path file) throws IOException {
        if (!Files.exists(file)) {
            return new VitalSigns(Map.of(), false);
        }
        boolean fresh = Files.getLastModifiedTime(file)
                .toInstant()
                .isAfter(Instant.now().minus(FRESH));
        byte[] tail;
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
            open.seek(Math.max(0, open.length() - TAIL_BYTES));
            tail = new byte[(int) (open.length() - open.getFilePointer())];
            open.readFully(tail);
        }
        String text = new String(tail, StandardCharsets.UTF_8);
        int end = text.lastIndexOf('\n');
        return new VitalSigns(
                end < 0 ? Map.of() : parse(text.substring(text.lastIndexOf('\n', end - 1) + 1, end)), fresh);
    }

    /** The last value of one sign, for every process that has existed. */
    static Map<String, Long> lastOfAll(Path home, String sign) throws IOException {
        Map<String, Long> last = new HashMap<>();
        for (Path file : files(home)) {
            last.put(process(file), last(file).get(sign));
        }
        return last;
    }

    /**
     * All values of one sign in order, for every process that has existed, without moments at which it was not
     * recorded.
     */
    static Map<String, List<Long>> series(Path home, String sign) throws IOException {
        Map<String, List<Long>> series = new HashMap<>();
        for (Path file : files(home)) {
            List<Long> its = new ArrayList<>();
            for (String line : Lines.whole(file)) {
                Long value = parse(line).get(sign);
                if (value != null) {
                    its.add(value);
                }
            }
            series.put(process(file), its);
        }
        return series;
    }

    private static Map<String, Long> parse(String line) {
        Map<String, Long> values = new HashMap<>();
        for (String word : line.split(" ")) {
            int equals = word.indexOf('=');
            values.put(word.substring(0, equals), Long.valueOf(word.substring(equals + 1)));
        }
        return values;
    }

    private static List<Path> files(Path home) throws IOException {
        try (Stream<Path> files = Files.list(home)) {
            return files.filter(each -> each.toString().endsWith(Vitals.SUFFIX)).toList();
        }
    }

    private static String process(Path file) {
        return file.getFileName().toString().replace(Vitals.SUFFIX, "");
    }
}
