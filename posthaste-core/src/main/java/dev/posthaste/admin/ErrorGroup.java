package dev.posthaste.admin;

import dev.posthaste.ProvidedByPosthaste;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Dead events of one type whose errors differ only in numbers and ids. */
@ProvidedByPosthaste
public interface ErrorGroup {
    /** What the errors say, with a # for every number and id; {@link EventFilter#errorGroup(String)} takes it. */
    String group();

    String type();

    long events();

    /** The error of the newest of them. */
    @Nullable
    String example();

    long newestPosition();

    @Nullable
    Instant newestAt();
}
