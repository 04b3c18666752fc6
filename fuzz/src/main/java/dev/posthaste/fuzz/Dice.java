package dev.posthaste.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Draws inputs from a seed: mostly almost valid, and hostile where they are not. Remembers what was tried. Not
 * thread-safe.
 */
final class Dice {
    private static final int MAX_SHOWN = 4_000;

    private final Random random;
    private final Map<String, String> tried = new LinkedHashMap<>();

    Dice(long seed) {
        this.random = new Random(seed * 0x9E3779B97F4A7C15L);
    }

    // --- The record of what was tried --------------------------------------------------------------------------------

    /** Records a part of the input for the report of a finding. */
    <T> T tried(String what, T value) {
        tried.put(
                what,
                value instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : String.valueOf(value));
        return value;
    }

    /** All that was tried, printable. */
    String input() {
        StringBuilder text = new StringBuilder();
        tried.forEach(
                (what, value) -> text.append("\n  ").append(what).append(" = ").append(shown(value)));
        return text.toString();
    }

    /** A text as a Java literal, truncated if it is long. */
    static String shown(String text) {
        StringBuilder shown = new StringBuilder("\"");
        text.chars().limit(MAX_SHOWN).forEach(each -> {
            if (each == '"' || each == '\\') {
                shown.append('\\').append((char) each);
            } else if (each >= ' ' && each < 127) {
                shown.append((char) each);
            } else {
                shown.append(String.format("\\u%04x", each));
            }
        });
        return shown.append('"')
                .append(text.length() > MAX_SHOWN ? "… of " + text.length() : "")
                .toString();
    }

    // --- Simple values -----------------------------------------------------------------------------------------------

    boolean oneIn(int n) {
        return random.nextInt(n) == 0;
    }

    /** From 0 to less than {@code n}. */
    int below(int n) {
        return random.nextInt(n);
    }

    <T> T pick(List<T> all) {
        return all.get(random.nextInt(all.size()));
    }

    @SafeVarargs
    final <T> T pick(T... all) {
        return all[random.nextInt(all.length)];
    }

    long id() {
        return oneIn(4) ? random.nextLong() : oneIn(2) ? 1 + below(1_000_000) : pick(Hostile.LONGS);
    }

    String number() {
        return oneIn(20) ? "9".repeat(1 + below(3_000)) : oneIn(3) ? Long.toString(id()) : pick(Hostile.NUMBERS);
    }

    // --- Texts -------------------------------------------------------------------------------------------------------

    /** Any text, sometimes longer than {@code usual} and sometimes not valid Unicode. */
    String text(int usual) {
        return switch (below(8)) {
            case 0 -> "";
            case 1 -> pick(Hostile.PIECES);
            case 2 -> number();
            case 3 -> pick("x", "ü", "中", "😀", " ", "\0", "\ud800").repeat(oneIn(3) ? usual + 1 : usual);
            case 4 -> pick(Hostile.PIECES).repeat(1 + below(usual + 2));
            default -> pieces(1 + below(8));
        };
    }

    /** A text of complete characters without NUL, of 1 to {@code most} units, without leading or trailing blanks. */
    String good(int most) {
        String text = oneIn(3) ? "id-" + random.nextInt(1_000_000) : text(most);
        text = whole(text.replace("\0", "")).strip();
        text = text.length() > most ? whole(text.substring(0, most)).strip() : text;
        return text.isEmpty() ? "x" + below(1_000) : text;
    }

    /** The text without unpaired surrogates. */
    static String whole(String text) {
        StringBuilder whole = new StringBuilder();
        text.codePoints()
                .filter(each -> Character.getType(each) != Character.SURROGATE)
                .forEach(whole::appendCodePoint);
        return whole.toString();
    }

    static boolean isUnicode(@Nullable String text) {
        return text == null || StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    String pieces(int number) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < number; i++) {
            text.append(oneIn(3) ? String.valueOf((char) (' ' + below(95))) : pick(Hostile.PIECES));
        }
        return text.toString();
    }

    // --- JSON --------------------------------------------------------------------------------------------------------

    /** One syntactically valid JSON value. */
    String json(int depth) {
        if (oneIn(60)) {
            int levels = pick(10, 400, 498, 499, 500, 501, 999, 1_000, 5_000); // parsers have limits of their own
            return oneIn(2)
                    ? "[".repeat(levels) + "1" + "]".repeat(levels)
                    : "{\"a\":".repeat(levels) + "1" + "}".repeat(levels);
        }
        return switch (below(depth > 0 ? 9 : 6)) {
            case 0 -> pick("null", "true", "false");
            case 1 ->
                pick("0", "-0", "1.50", "1e2", "1E400", "-1.0e-400", "12345678901234567890123", Long.toString(id()));
            case 2, 3, 4, 5 -> quoted(text(40));
            case 6 -> list(depth);
            default -> object(depth);
        };
    }

    private String list(int depth) {
        StringBuilder json = new StringBuilder("[");
        for (int i = below(4); i > 0; i--) {
            json.append(json(depth - 1)).append(i > 1 ? blank() + "," : "");
        }
        return json.append(blank()).append("]").toString();
    }

    String object(int depth) {
        StringBuilder json = new StringBuilder("{").append(blank());
        for (int i = below(4); i > 0; i--) {
            json.append(quoted(text(20)))
                    .append(blank())
                    .append(":")
                    .append(json(depth - 1))
                    .append(i > 1 ? "," : "");
        }
        return json.append("}").toString();
    }

    private String blank() {
        return oneIn(3) ? pick(" ", "\n", "\t", "\r\n  ") : "";
    }

    /** A JSON string that denotes this text, in one of its possible spellings. */
    String quoted(String text) {
        boolean escaped = oneIn(4);
        StringBuilder json = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char each = text.charAt(i);
            if (each == '"' || each == '\\') {
                json.append('\\').append(each);
            } else if (each < ' ' || Character.isSurrogate(each) || escaped) {
                json.append(String.format("\\u%04x", (int) each));
            } else {
                json.append(each);
            }
        }
        return json.append('"').toString();
    }

    /** A JSON object of these members, some of them missing, of another type, duplicated, or among other members. */
    String objectLike(Map<String, String> members) {
        StringBuilder json = new StringBuilder("{");
        String separator = "";
        for (Map.Entry<String, String> each : members.entrySet()) {
            for (int times = oneIn(12) ? below(3) : 1; times > 0; times--) {
                String value = oneIn(6) ? json(2) : oneIn(12) ? number() : each.getValue();
                json.append(separator).append(quoted(each.getKey())).append(':').append(value);
                separator = ",";
            }
        }
        if (oneIn(6)) {
            json.append(separator).append(quoted(text(20))).append(':').append(json(2));
        }
        return json.append('}').toString();
    }

    // --- Bytes -------------------------------------------------------------------------------------------------------

    /** The same bytes, usually with an error in them. */
    byte[] mutated(byte[] bytes) {
        byte[] result = bytes;
        for (int i = oneIn(3) ? 0 : 1 + below(4); i > 0; i--) {
            result = mutatedOnce(result);
        }
        if (oneIn(20)) {
            return new String(result, StandardCharsets.UTF_8).getBytes(pick(Hostile.CHARSETS));
        }
        return result;
    }

    private byte[] mutatedOnce(byte[] bytes) {
        int length = bytes.length;
        int at = length == 0 ? 0 : below(length);
        int to = length == 0 ? 0 : at + below(Math.min(40, length - at) + 1);
        return switch (below(6)) {
            case 0 ->
                joined(
                        Arrays.copyOf(bytes, at),
                        new byte[] {(byte) random.nextInt()},
                        from(bytes, Math.min(length, at + 1)));
            case 1 -> joined(Arrays.copyOf(bytes, at), from(bytes, to));
            case 2 -> joined(Arrays.copyOf(bytes, to), from(bytes, at));
            case 3 -> joined(Arrays.copyOf(bytes, at), utf8(pieces(1 + below(3))), from(bytes, at));
            case 4 -> joined(Arrays.copyOf(bytes, at), utf8(number()), from(bytes, to));
            default ->
                oneIn(3) ? Arrays.copyOf(bytes, at) : joined(new byte[] {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF}, bytes);
        };
    }

    private static byte[] from(byte[] bytes, int from) {
        return Arrays.copyOfRange(bytes, from, bytes.length);
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] joined(byte[]... parts) {
        byte[] all = new byte[Arrays.stream(parts).mapToInt(part -> part.length).sum()];
        int at = 0;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }
}
