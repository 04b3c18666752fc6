package dev.posthaste.internal.admin;

import dev.posthaste.admin.ErrorGroup;
import java.time.Instant;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Groups the errors of dead events. */
public record DeadGroup(
        String group,
        String type,
        long events,
        @Nullable String example,
        long newestId,
        @Nullable Instant newestAt) implements ErrorGroup {
    /** Only this many characters at the start of an error decide. */
    public static final int LOOKED_AT = 400;

    private static final int MAX_LENGTH = 200;
    private static final Pattern IDS = Pattern.compile(
            "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\\b[0-9a-fA-F]{16,}\\b|[0-9]+(?:[.,:][0-9]+)*");

    @Override
    public long newestPosition() {
        return newestId;
    }

    /** The same group with one more event, older than those. */
    public DeadGroup andOneMore() {
        return new DeadGroup(group, type, events + 1, example, newestId, newestAt);
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
