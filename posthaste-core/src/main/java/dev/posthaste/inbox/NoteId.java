package dev.posthaste.inbox;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** How an inbox notes an event's id, which may be another program's and look like anything. */
final class NoteId {
    private static final int MAX_LENGTH = 64;

    private NoteId() {}

    /** The id itself, or where it is longer than the inbox's column the SHA-256 of its UTF-8, as hexadecimal digits. */
    static String of(String eventId) {
        return eventId.length() <= MAX_LENGTH ? eventId : sha256(eventId);
    }

    private static String sha256(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
    }

    /** Why an id cannot distinguish events in every database; null if it can. */
    static @Nullable String fault(@Nullable String eventId) {
        if (eventId == null || eventId.isBlank()) {
            return "the message has no event id";
        }
        if (!eventId.equals(eventId.strip())) {
            return "its event id '" + eventId + "' begins or ends with white space, which some databases ignore";
        }
        if (eventId.chars().anyMatch(Character::isISOControl)) {
            return "its event id contains control characters";
        }
        if (eventId.codePoints().anyMatch(each -> Character.getType(each) == Character.SURROGATE)) {
            return "its event id is not Unicode: it contains half a surrogate pair";
        }
        return null;
    }
}
