package dev.posthaste.admin;

import java.time.Instant;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Dead events whose errors say the same but for numbers and ids.
 *
 * @param group what they say, with a # for every number and id
 * @param example the newest one's own words
 * @param newestId the highest row among them
 */
public record ErrorGroup(
        String group,
        String type,
        long events,
        @Nullable String example,
        long newestId,
        @Nullable Instant newestAt) {
    /** Only so much of an error's beginning decides. */
    public static final int LOOKED_AT = 400;

    private static final int MAX_LENGTH = 200;
    private static final Pattern IDS = Pattern.compile(
            "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\\b[0-9a-fA-F]{16,}\\b|[0-9]+(?:[.,:][0-9]+)*");

    /** The same group with one event more, older than those. */
    public ErrorGroup andOneMore() {
        return new ErrorGroup(group, type, events + 1, example, newestId, newestAt);
    }

    /** The group of an error; {@code (no error)} for none. */
    public static String of(@Nullable String error) {
        if (error == null || error.isBlank()) {
            return "(no error)";
        }
        String start = error.length() > LOOKED_AT ? error.substring(0, LOOKED_AT) : error;
        String same = IDS.matcher(start).replaceAll("#").strip();
        return same.length() > MAX_LENGTH ? same.substring(0, MAX_LENGTH) : same;
    }
}
