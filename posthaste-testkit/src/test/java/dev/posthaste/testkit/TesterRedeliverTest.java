package dev.posthaste.testkit;

import static dev.posthaste.testkit.PosthasteAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Event;
import org.junit.jupiter.api.Test;

/** Delivers the same message again, as a broker may. */
class TesterRedeliverTest extends TesterFixture {
    @Test
    void whatWasHandledIsNotHandledAgain() throws Exception {
        write(Event.of(PLACED, "a", "1"));
        posthaste.deliverAll();
        posthaste.redeliver(assertThat(posthaste).wrote(PLACED).event());
        assertThat(handled).containsExactly("1");
    }

    @Test
    void whatWasNotPublishedCannotComeAgain() throws Exception {
        write(Event.of(PLACED, "a", "1"));
        WrittenEvent event = assertThat(posthaste).wrote(PLACED).event();
        assertThatThrownBy(() -> posthaste.redeliver(event))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(event.id())
                .hasMessageContaining("deliverAll()");
    }
}
