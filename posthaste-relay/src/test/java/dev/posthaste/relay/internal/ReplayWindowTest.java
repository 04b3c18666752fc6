package dev.posthaste.relay.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.admin.Waiting;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class ReplayWindowTest {
    private final List<Consumer<Outcome>> callbacks = new ArrayList<>();
    private final ReplayWindow window = windowTo((message, callback) -> callbacks.add(callback));

    private static ReplayWindow windowTo(BiConsumer<Message, Consumer<Outcome>> publish) {
        Broker broker = new Broker() {
            @Override
            public void publish(Message message, Consumer<Outcome> callback) {
                publish.accept(message, callback);
            }

            @Override
            public boolean healthy() {
                return true;
            }

            @Override
            public void close() {}
        };
        return new ReplayWindow(broker, Waiting.REAL);
    }

    private static Message message(String key) {
        return Message.of("topic", new byte[10]).key(key);
    }

    /** A client may report a failure to its callback and also throw it. */
    @Test
    void aBrokerThatAnswersTwiceIsHeardOnce() throws Exception {
        window.send(1, message("a"));
        window.send(2, message("b"));
        callbacks.get(0).accept(Outcome.acknowledged());
        callbacks.get(0).accept(Outcome.unknown("and once more"));
        window.takeIn(0);
        assertThat(window.atBroker()).isEqualTo(1);
        assertThat(window.sent()).isEqualTo(1);
        assertThat(window.takes(message("a"))).isTrue();
        callbacks.get(1).accept(Outcome.acknowledged());
        window.takeIn(0);
        assertThat(window.isEmpty()).isTrue();
    }

    @Test
    void aBrokerThatAnswersAndThrowsIsHeardOnce() throws Exception {
        ReplayWindow throwing = windowTo((message, callback) -> {
            callback.accept(Outcome.acknowledged());
            throw new IllegalStateException("and then this");
        });
        throwing.send(1, message("a"));
        throwing.takeIn(0);
        assertThat(throwing.isEmpty()).isTrue();
        assertThat(throwing.sent()).isEqualTo(1);
    }

    /** The second attempt of a key is at the broker when the first one's answer arrives again. */
    @Test
    void anAnswerToAnEarlierAttemptIsNoneToTheNext() throws Exception {
        window.send(1, message("a"));
        callbacks.get(0).accept(Outcome.unknown("time-out"));
        window.takeIn(0);
        assertThat(window.atBroker()).isZero();
        while (callbacks.size() < 2) {
            Thread.sleep(10);
            window.resend();
        }
        callbacks.get(0).accept(Outcome.rejected("late").permanent(true));
        window.takeIn(0);
        assertThat(window.atBroker()).isEqualTo(1);
        assertThat(window.failed()).isZero();
        callbacks.get(1).accept(Outcome.acknowledged());
        window.takeIn(0);
        assertThat(window.isEmpty()).isTrue();
        assertThat(window.sent()).isEqualTo(1);
    }

    @Test
    void rowsThatCannotBeSentWaitForAnOlderOneWithinABound() throws Exception {
        window.send(1, message("a"));
        int rows = 0;
        while (window.takesRow()) {
            window.fail(2 + rows++, "unsendable");
        }
        assertThat(rows).isEqualTo(9_999);
        callbacks.get(0).accept(Outcome.acknowledged());
        window.takeIn(0);
        assertThat(window.takesRow()).isTrue();
    }
}
