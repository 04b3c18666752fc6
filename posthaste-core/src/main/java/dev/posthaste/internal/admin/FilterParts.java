package dev.posthaste.internal.admin;

import dev.posthaste.admin.EventFilter;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** Filters from optional parts: of a request, of a command line, of a note. */
public final class FilterParts {
    private FilterParts() {}

    public static <T> EventFilter with(
            EventFilter filter, @Nullable T value, BiFunction<EventFilter, T, EventFilter> part) {
        return value == null ? filter : part.apply(filter, value);
    }
}
