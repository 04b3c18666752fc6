package dev.posthaste.testkit;

import static dev.posthaste.testkit.PosthasteAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Event;
import dev.posthaste.Status;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What was written is visible, even in the test's own transaction. */
class TesterWrittenTest extends TesterFixture {
    @Test
    void anOpenTransactionSeesWhatItWroteAndARollBackTakesItAway() throws Exception {
        try (Connection connection = posthaste.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            posthaste.outbox().write(connection, PLACED, "a", "1");
            assertThat(posthaste).wrote(PLACED).withKey("a").withStatus(Status.PENDING);
            connection.rollback();
            assertThat(posthaste).wroteNothing();
        }
        assertThat(posthaste).wroteNothing();
    }

    @Test
    void aTransactionThatWasLeftWithoutACommitWroteNothing() throws Exception {
        try (Connection connection = posthaste.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            posthaste.outbox().write(connection, PLACED, "a", "1");
        }
        assertThat(posthaste).wroteNothing();
    }

    @Test
    void theTransactionThatWasBegunLastIsTheOneThatIsAsked() throws Exception {
        try (Connection outer = posthaste.dataSource().getConnection()) {
            outer.setAutoCommit(false);
            posthaste.outbox().write(outer, PLACED, "a", "1");
            try (Connection inner = posthaste.dataSource().getConnection()) {
                inner.setAutoCommit(false);
                posthaste.outbox().write(inner, CONFIRMED, "a", "2");
                assertThat(posthaste.written()).extracting(WrittenEvent::type).containsExactly(CONFIRMED);
            }
            assertThat(posthaste.written()).extracting(WrittenEvent::type).containsExactly(PLACED);
        }
    }

    @Test
    void nobodySeesTheTransactionOfAnotherThread() throws Exception {
        try (Connection connection = posthaste.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            posthaste.outbox().write(connection, PLACED, "a", "1");
            Thread other = new Thread(() -> handled.add(posthaste.written().toString()));
            other.start();
            other.join();
        }
        assertThat(handled).containsExactly("[]");
    }

    @Test
    void anEventIsSeenWhole() throws Exception {
        write(Event.of(PLACED, null, Map.of("amount", 3)).id("42").header("tenant", "acme"));
        WrittenEvent event = assertThat(posthaste).wrote(PLACED).event();
        assertThat(event.id()).isEqualTo("42");
        assertThat(event.key()).isNull();
        assertThat(event.headers()).containsExactly(Map.entry("tenant", "acme"));
        assertThat(event.payload(String.class)).isEqualTo("{\"amount\":3}");
        assertThat(event.payload(byte[].class)).isEqualTo("{\"amount\":3}".getBytes(StandardCharsets.UTF_8));
        assertThat(event.payload(Map.class)).isEqualTo(Map.of("amount", 3));
        assertThatThrownBy(() -> event.payload(Integer.class))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("order.placed")
                .hasMessageContaining("java.lang.Integer");
    }
}
