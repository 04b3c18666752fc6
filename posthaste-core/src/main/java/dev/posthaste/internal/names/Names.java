package dev.posthaste.internal.names;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/**
 * What names may look like. Table, topic and outbox names come from configuration only, pass one of these patterns, and
 * are quoted where they are used.
 */
public final class Names {
    private static final Pattern OUTBOX = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");
    private static final Pattern TABLE =
            Pattern.compile("([A-Za-z_][A-Za-z0-9_]{0,49}\\.)?[A-Za-z_][A-Za-z0-9_]{0,49}");
    private static final Pattern DESTINATION =
            Pattern.compile("[\\p{L}\\p{N}._:/@#*+-][\\p{L}\\p{N} ._:/@#*+-]{0,254}");

    /** The longest short string of AMQP, in bytes: exchange, routing key, type, message id and the names of headers. */
    public static final int MAX_BYTES = 255;

    private Names() {}

    /** @throws IllegalArgumentException unless {@code name} is 1 to 100 letters, digits, dots, dashes, underscores */
    public static String requireOutbox(String name) {
        return require("outbox name", name, OUTBOX);
    }

    /** @throws IllegalArgumentException unless {@code name} is {@code table} or {@code schema.table}, in ASCII */
    public static String requireTable(String name) {
        return require("table name", name, TABLE);
    }

    /** @throws IllegalArgumentException unless {@code name} is printable and has at most 255 bytes in UTF-8 */
    public static String requireDestination(String what, String name) {
        require(what, name, DESTINATION);
        if (bytes(name) > MAX_BYTES) {
            throw new IllegalArgumentException("Not a usable " + what + ": '" + printable(name) + "' has " + bytes(name)
                    + " bytes in UTF-8, and brokers send at most " + MAX_BYTES);
        }
        return name;
    }

    /** How many bytes a text has in UTF-8. */
    public static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    private static String require(String what, String name, Pattern pattern) {
        if (!pattern.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "Not a usable " + what + ": '" + printable(name) + "' (wanted: " + pattern + ")");
        }
        return name;
    }

    private static String printable(String name) {
        String shown = name.length() > 80 ? name.substring(0, 80) + "…" : name;
        return shown.replaceAll("\\p{Cntrl}", "?");
    }
}
