package dev.posthaste.testkit;

import static dev.posthaste.testkit.PosthasteAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Event;
import dev.posthaste.Status;
import dev.posthaste.broker.Message;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A broker that fails on demand. */
class TestBrokerTest extends TesterFixture {
    @Test
    void whatItRejectsIsPublishedOnceItTakesIt() throws Exception {
        posthaste.broker().rejects(PLACED, 2);
        write(Event.of(PLACED, "a", "1"), Event.of(CONFIRMED, "b", "2"));
        posthaste.deliverAll();
        assertThat(posthaste).wrote(PLACED).withStatus(Status.PENDING);
        assertThat(posthaste).wrote(CONFIRMED).withStatus(Status.PUBLISHED);
        posthaste.advance(Duration.ofMinutes(1));
        posthaste.deliverAll();
        assertThat(posthaste).wrote(PLACED).withStatus(Status.PENDING);
        assertThat(handled).isEmpty();
        posthaste.advance(Duration.ofMinutes(1));
        posthaste.deliverAll();
        assertThat(posthaste).wrote(PLACED).withStatus(Status.PUBLISHED);
        assertThat(handled).containsExactly("1");
        assertThat(posthaste.broker().messages()).extracting(Message::eventType).containsExactly(CONFIRMED, PLACED);
    }

    @Test
    void whatItRejectsTooOftenIsDead() throws Exception {
        posthaste.broker().rejects(PLACED, 2);
        write(Event.of(PLACED, "a", "1").attempts(2));
        posthaste.deliverAll();
        posthaste.advance(Duration.ofMinutes(1));
        posthaste.deliverAll();
        assertThat(posthaste).wrote(PLACED).withStatus(Status.DEAD);
    }

    @Test
    void whatComesWhileItIsUnavailableWaits() throws Exception {
        posthaste.broker().unavailable(true);
        write(Event.of(PLACED, "a", "1").attempts(1));
        posthaste.deliverAll();
        posthaste.deliverAll();
        assertThat(posthaste).wrote(PLACED).withStatus(Status.PENDING);
        assertThat(posthaste.broker().messages()).isEmpty();
        posthaste.broker().unavailable(false);
        posthaste.deliverAll();
        assertThat(posthaste).wrote(PLACED).withStatus(Status.PUBLISHED);
        assertThat(handled).containsExactly("1");
    }

    @Test
    void itIsOfUseAlone() {
        TestBroker broker = TestBroker.create();
        Message message = Message.of("shop", new byte[0]);
        broker.publish(message, outcome -> assertThat(outcome).hasToString("acknowledged"));
        broker.close();
        assertThat(broker.messages()).containsExactly(message);
        assertThatThrownBy(() -> broker.rejects(PLACED, -1)).isInstanceOf(IllegalArgumentException.class);
    }
}
