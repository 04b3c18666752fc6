package dev.posthaste.testkit;

import dev.posthaste.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.assertj.core.api.AbstractAssert;
import org.jspecify.annotations.Nullable;

/**
 * One of the events of a type: each method keeps those that match, and fails, reporting what was seen instead, if none
 * does.
 */
public final class WrittenEventAssert extends AbstractAssert<WrittenEventAssert, List<WrittenEvent>> {
    private final String wanted;

    WrittenEventAssert(List<WrittenEvent> events, String wanted) {
        super(events, WrittenEventAssert.class);
        this.wanted = wanted;
    }

    /** @param key null for an event without a key */
    public WrittenEventAssert withKey(@Nullable String key) {
        return with("with key " + key, event -> Objects.equals(event.key(), key));
    }

    /** A header of the row, with this value. */
    public WrittenEventAssert withHeader(String name, String value) {
        return with(
                "with header " + name + " = " + value,
                event -> value.equals(event.headers().get(name)));
    }

    /** Its status when {@link PosthasteAssert#wrote} was called. */
    public WrittenEventAssert withStatus(Status status) {
        return with("with status " + status.code(), event -> event.status() == status);
    }

    /**
     * @param requirements throws an {@link AssertionError} for a payload that is not the right one, as AssertJ's
     * assertions do
     */
    public <T> WrittenEventAssert withPayload(Class<T> type, Consumer<T> requirements) {
        List<AssertionError> errors = new ArrayList<>();
        List<WrittenEvent> found = actual.stream()
                .filter(event -> satisfies(event.payload(type), requirements, errors))
                .toList();
        if (found.isEmpty()) {
            AssertionError failure = failure(
                    "Expected %s with a payload that satisfies the requirements, but %s\nThe first error was: %s",
                    wanted, PosthasteAssert.seen(actual), errors.get(0).getMessage());
            failure.initCause(errors.get(0));
            throw failure;
        }
        return new WrittenEventAssert(found, wanted + " with such a payload");
    }

    private static <T> boolean satisfies(T payload, Consumer<T> requirements, List<AssertionError> errors) {
        try {
            requirements.accept(payload);
            return true;
        } catch (AssertionError e) {
            errors.add(e);
            return false;
        }
    }

    private WrittenEventAssert with(String what, Predicate<WrittenEvent> right) {
        List<WrittenEvent> found = actual.stream().filter(right).toList();
        if (found.isEmpty()) {
            throw failure("Expected %s %s, but %s", wanted, what, PosthasteAssert.seen(actual));
        }
        return new WrittenEventAssert(found, wanted + " " + what);
    }

    /** The event; fails if several match. */
    public WrittenEvent event() {
        if (actual.size() > 1) {
            throw failure(
                    "Expected one event, but %s of them are %s: %s",
                    actual.size(), wanted, PosthasteAssert.seen(actual));
        }
        return actual.get(0);
    }
}
