package dev.posthaste.reliability.simulation;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What an expression sees: one row, or all rows if it aggregates. */
final class Scope {
    final @Nullable Object[] parameters;
    final long now;
    final long skew;

    @Nullable
    Object[] row = new Object[0];

    List<@Nullable Object[]> rows = List.of();
    long low;
    long high;

    /** @param skew the error of the client's wall clock */
    Scope(@Nullable Object[] parameters, long now, long skew) {
        this.parameters = parameters;
        this.now = now;
        this.skew = skew;
    }
}
