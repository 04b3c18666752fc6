package dev.posthaste.testkit;

import static dev.posthaste.testkit.PosthasteAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Event;
import dev.posthaste.Status;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Each failure shows the actual events. */
class PosthasteAssertTest extends TesterFixture {
    private void writeTwo() throws Exception {
        write(
                Event.of(PLACED, "42", Map.of("amount", 3)).id("e-1").header("tenant", "acme"),
                Event.of(PLACED, "43", Map.of("amount", 5)).id("e-2"));
    }

    private static void fails(ThrowingCallable assertion, String... says) {
        assertThatThrownBy(assertion).isInstanceOf(AssertionError.class).hasMessageContainingAll(says);
    }

    @Test
    void nothingWasWritten() {
        assertThat(posthaste).wroteNothing();
        fails(
                () -> assertThat(posthaste).wrote(PLACED),
                "Expected an event of type order.placed, but nothing was written");
    }

    @Test
    void somethingElseWasWritten() throws Exception {
        writeTwo();
        String first = "order.placed (pending, key 42, headers {tenant=acme}, id e-1)";
        fails(() -> assertThat(posthaste).wrote(CONFIRMED), "type order.confirmed, but what was written is:", first);
        fails(() -> assertThat(posthaste).wroteNothing(), "Expected no event, but", first);
        fails(
                () -> assertThat(posthaste).wrote(PLACED).withKey("44"),
                "order.placed with key 44, but",
                first,
                "key 43");
        fails(
                () -> assertThat(posthaste).wrote(PLACED).withHeader("tenant", "100% other"),
                "tenant = 100% other",
                first);
        fails(() -> assertThat(posthaste).wrote(PLACED).withStatus(Status.DEAD), "with status dead, but", first);
        fails(
                () -> assertThat(posthaste)
                        .wrote(PLACED)
                        .withPayload(Map.class, order -> assertThat(order).containsEntry("amount", 4)),
                "a payload that satisfies the requirements",
                first,
                "\"amount\"=4");
    }

    @Test
    void eachMethodLeavesThoseThatItHoldsFor() throws Exception {
        writeTwo();
        fails(() -> assertThat(posthaste).wrote(PLACED).event(), "Expected one event, but 2", "e-1", "e-2");
        assertThat(assertThat(posthaste).wrote(PLACED).withKey("43").event().id())
                .isEqualTo("e-2");
        assertThat(assertThat(posthaste)
                        .wrote(PLACED)
                        .withPayload(Map.class, order -> assertThat(order).containsEntry("amount", 5))
                        .event()
                        .id())
                .isEqualTo("e-2");
        assertThat(posthaste)
                .wrote(PLACED)
                .withHeader("tenant", "acme")
                .withStatus(Status.PENDING)
                .withKey("42");
    }
}
