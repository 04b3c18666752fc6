package dev.posthaste.internal.jdbc;

/** Error texts as a table's column accepts them. */
final class ErrorText {
    private static final int SHORT = 200;

    private ErrorText() {}

    /** At most {@code most} characters, never half a surrogate pair, no NUL. */
    static String cut(String error, int most) {
        String clean = error.replace('\0', ' ');
        if (clean.length() <= most) {
            return clean;
        }
        return clean.substring(0, Character.isHighSurrogate(clean.charAt(most - 1)) ? most - 1 : most);
    }

    /** What every text column accepts: ASCII, and not much of it. */
    static String plain(String error) {
        return cut(error.replaceAll("[^ -~]", "?"), SHORT);
    }
}
