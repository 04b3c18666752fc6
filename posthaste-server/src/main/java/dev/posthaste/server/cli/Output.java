package dev.posthaste.server.cli;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import dev.posthaste.internal.admin.FoundRow;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** Tables for people, JSON for programs. */
final class Output {
    static final JsonMapper JSON =
            JsonMapper.builder().addMixIn(FoundRow.class, WithoutContents.class).build();
    private static final int WIDEST = 60;

    /** An event's headers and payload are printed separately. */
    @JsonIgnoreProperties("stored")
    private interface WithoutContents {}

    @Option(names = "--json", description = "Print JSON, one object per line.")
    boolean json;

    /** Such as {@code 1 event} and {@code 2 events}. */
    static String count(long number, String one, String many) {
        return number + " " + (number == 1 ? one : many);
    }

    /** One object per line. */
    static void json(PrintWriter out, Object value) {
        out.println(JSON.writeValueAsString(value));
    }

    /** Columns as wide as their contents; control characters never reach the terminal. */
    static void table(PrintWriter out, List<String> head, List<List<? extends @Nullable Object>> rows) {
        List<List<String>> all = new ArrayList<>();
        all.add(head);
        rows.forEach(row -> all.add(row.stream().map(Output::cell).toList()));
        int[] widths = new int[head.size()];
        all.forEach(row -> {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        });
        for (List<String> row : all) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < widths.length; i++) {
                line.append(row.get(i));
                char[] blanks = new char
                        [i == widths.length - 1 ? 0 : widths[i] - row.get(i).length() + 2];
                Arrays.fill(blanks, ' ');
                line.append(blanks);
            }
            out.println(line.toString().stripTrailing());
        }
    }

    private static String cell(@Nullable Object value) {
        if (value == null) {
            return "-";
        }
        String text = value instanceof Instant time
                ? time.truncatedTo(ChronoUnit.MILLIS).toString()
                : printable(value.toString());
        return text.length() > WIDEST ? text.substring(0, WIDEST - 1) + "…" : text;
    }

    /** The text made safe for a terminal: an event's text must not move its cursor or change its colours. */
    static String printable(String text) {
        return text.replaceAll("[\\p{Cntrl}\\u0080-\\u009f\\u202a-\\u202e\\u2066-\\u2069]", "?");
    }
}
