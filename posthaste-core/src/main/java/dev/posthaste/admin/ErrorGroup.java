package dev.posthaste.admin;

import dev.posthaste.ProvidedByPosthaste;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Dead events of one type whose errors differ only in numbers and ids. */
@ProvidedByPosthaste
public interface ErrorGroup {
    /** What the errors say, with a # for every number and id; {@link EventFilter#errorGroup(String)} takes it. */
    String group();

    /** The type of these events. */
    String type();

    /** How many they are. */
    long events();

    /** The error of the newest of them. */
    @Nullable
    String example();

    /** The position of the newest of them. */
    long newestPosition();

    /** When the newest of them was written; null where the table does not keep that. */
    @Nullable
    Instant newestAt();
}
