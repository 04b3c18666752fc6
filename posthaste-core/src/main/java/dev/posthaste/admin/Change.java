package dev.posthaste.admin;

import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Who changes something, why, and which click it was. It ends in the audit.
 *
 * @param actor the operator, 1 to 100 characters
 * @param reason in words, 3 to 500 characters
 * @param id made by whoever asks; the same id again is the same change: it is not made twice, and continues if it stopped
 *     before its end. 1 to 64 characters
 */
public record Change(String actor, String reason, String id) {
    private static final Pattern HALF_A_PAIR = Pattern.compile("[\\x{D800}-\\x{DFFF}]"); // databases take no such text

    public static final int MAX_ACTOR = 100;
    public static final int MAX_REASON = 500;
    public static final int MAX_ID = 64;

    public Change {
        actor = clean("An actor", actor, 1, MAX_ACTOR);
        reason = clean("A reason", reason, 3, MAX_REASON);
        id = clean("A change's id", id, 1, MAX_ID);
    }

    /** A change with an id of its own: nothing guards against making it twice. */
    public static Change by(String actor, String reason) {
        return new Change(actor, reason, UUID.randomUUID().toString());
    }

    private static String clean(String what, String text, int least, int most) {
        String clean = HALF_A_PAIR
                .matcher(text.replace('\0', ' '))
                .replaceAll("\ufffd")
                .strip();
        if (clean.length() < least || clean.length() > most) {
            throw new IllegalArgumentException(
                    what + " has " + least + " to " + most + " characters, not " + clean.length());
        }
        return clean;
    }
}
