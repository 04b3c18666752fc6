package dev.posthaste.testkit;

import static dev.posthaste.testkit.PosthasteAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.RetryPolicy;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.inbox.EventContext;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.RejectedEventException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Runs a handler without an outbox: one attempt, which throws what the handler threw. */
class TesterDeliverTest extends TesterFixture {
    private static final Event FOREIGN = Event.of("price.changed", "tea", Map.of("cents", 199))
            .header("tenant", "acme")
            .version("v2");

    @Test
    void itThrowsWhatTheHandlerThrewAndTriesNothingAgain() throws Exception {
        failTimes(1);
        assertThatThrownBy(() -> posthaste.deliver(Event.of(PLACED, "a", "1")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("no stock for 1");
        posthaste.advance(Duration.ofHours(1));
        posthaste.deliver(Event.of(PLACED, "a", "2"));
        assertThat(handled).containsExactly("1", "2");
        assertThat(posthaste).wroteNothing();
    }

    @Test
    void theLastAttemptAndARejectionAreThrownToo() {
        IOException last = new IOException("the last");
        RejectedEventException never = new RejectedEventException("never");
        Inbox.Builder inbox = Inbox.builder("prices", posthaste.dataSource())
                .retry(RetryPolicy.none())
                .on("a", String.class, (text, context) -> {
                    throw last;
                })
                .on("b", String.class, (text, context) -> {
                    throw never;
                })
                .on("c", String.class, (text, context) -> {
                    throw new AssertionError("wrong");
                });
        posthaste.inbox(inbox);
        assertThatThrownBy(() -> posthaste.deliver(Event.of("a", "1", ""))).isSameAs(last);
        assertThatThrownBy(() -> posthaste.deliver(Event.of("b", "1", ""))).isSameAs(never);
        assertThatThrownBy(() -> posthaste.deliver(Event.of("c", "1", "")))
                .isInstanceOf(AssertionError.class)
                .hasMessage("wrong");
    }

    @Test
    void aFallbackThatTakesItThrowsNothing() throws Exception {
        List<String> taken = new ArrayList<>();
        posthaste.inbox(Inbox.builder("prices", posthaste.dataSource())
                .on(
                        "price.changed",
                        Map.class,
                        (price, context) -> {
                            throw new IllegalArgumentException();
                        },
                        h -> h.noRetryOn(IllegalArgumentException.class)
                                .fallback((price, context, cause) -> taken.add(price.toString()))));
        posthaste.deliver(FOREIGN);
        assertThat(taken).containsExactly("{cents=199}");
    }

    @Test
    void anEventOfAnotherServiceNeedsNoOutbox() throws Exception {
        List<EventContext> contexts = new ArrayList<>();
        posthaste.inbox(Inbox.builder("prices", posthaste.dataSource())
                .on("price.changed", Map.class, (price, context) -> contexts.add(context)));
        posthaste.deliver(FOREIGN);
        assertThat(contexts).singleElement().satisfies(context -> {
            assertThat(context.eventId()).isEqualTo(FOREIGN.id());
            assertThat(context.key()).isEqualTo("tea");
            assertThat(context.version()).isEqualTo("v2");
            assertThat(context.headers()).containsEntry("tenant", "acme");
        });
    }

    @Test
    void itComesInTheFormatOfItsOutbox() throws Exception {
        List<String> prices = new ArrayList<>();
        Catalog enveloped =
                CATALOG.outbox("prices", o -> o.types("price.changed").format(MessageFormat.ENVELOPE));
        try (PosthasteTester tester = PosthasteTester.on(posthaste.dataSource(), enveloped)) {
            tester.inbox(Inbox.builder("prices", tester.dataSource())
                    .format(MessageFormat.ENVELOPE)
                    .on("price.changed", String.class, (price, context) -> prices.add(price)));
            tester.deliver(FOREIGN);
        }
        assertThat(prices).containsExactly("{\"cents\":199}");
    }

    @Test
    void whatNobodyHandlesIsAMistake() {
        assertThatThrownBy(() -> posthaste.deliver(FOREIGN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("price.changed");
    }
}
