package dev.posthaste.admin;

import dev.posthaste.CheckReturnValue;
import java.util.Objects;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Who changes something and why, which click it was, and how many events are expected. The audit keeps it. Immutable: every
 * method with a parameter returns a changed copy.
 */
@CheckReturnValue
public final class Change {
    /** Databases do not accept such text. */
    private static final Pattern HALF_A_PAIR = Pattern.compile("[\\x{D800}-\\x{DFFF}]");

    private static final int MAX_ACTOR = 100;
    private static final int MAX_REASON = 500;
    private static final int MAX_ID = 64;

    private final String actor;
    private final String reason;
    private final String id;
    private final @Nullable Long expecting;

    private Change(String actor, String reason, String id, @Nullable Long expecting) {
        this.actor = actor;
        this.reason = reason;
        this.id = id;
        this.expecting = expecting;
    }

    /**
     * A change with a new id.
     *
     * @param actor the operator, 1 to 100 characters
     * @param reason in words, 3 to 500 characters
     */
    public static Change by(String actor, String reason) {
        return new Change(
                clean("An actor", actor, 1, MAX_ACTOR),
                clean("A reason", reason, 3, MAX_REASON),
                UUID.randomUUID().toString(),
                null);
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

    /**
     * The caller's own id, in place of a new one. The same id again is the same change: it is not made twice, and it
     * continues if it stopped before its end.
     *
     * @param id 1 to 64 characters
     */
    public Change id(String id) {
        return new Change(actor, reason, clean("A change's id", id, 1, MAX_ID), expecting);
    }

    /**
     * How many events the change should affect, as a {@link DryRun} counted them: if there are more or fewer when it
     * begins, it changes nothing and throws {@link UnexpectedCountException}. For requeue, discard and purge it is also
     * the most that they change. A change that continues is not counted again; pause and resume ignore the number.
     */
    public Change expecting(long events) {
        if (events < 0) {
            throw new IllegalArgumentException("A change expects 0 events or more, not " + events);
        }
        return new Change(actor, reason, id, events);
    }

    /** The operator. */
    public String actor() {
        return actor;
    }

    /** Why, in the operator's words. */
    public String reason() {
        return reason;
    }

    /** What identifies the change: the same id again is the same change. */
    public String id() {
        return id;
    }

    /** Null if any number will do. */
    public @Nullable Long expecting() {
        return expecting;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Change change
                && change.actor.equals(actor)
                && change.reason.equals(reason)
                && change.id.equals(id)
                && Objects.equals(change.expecting, expecting);
    }

    @Override
    public int hashCode() {
        return Objects.hash(actor, reason, id, expecting);
    }

    @Override
    public String toString() {
        return "change " + id + " by " + actor + ": " + reason + (expecting == null ? "" : ", expecting " + expecting);
    }
}
