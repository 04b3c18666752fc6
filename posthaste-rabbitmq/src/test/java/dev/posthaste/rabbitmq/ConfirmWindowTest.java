package dev.posthaste.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ConfirmWindowTest {
    private static final Duration SECOND = Duration.ofNanos(1_000_000_000);
    private static final long NANOS = SECOND.toNanos();

    private final ConfirmWindow window = new ConfirmWindow(2, 0);

    @Test
    void silenceCountsFromTheFirstUnconfirmedMessageOrTheLastConfirm() {
        assertThat(window.isQuiet(100 * NANOS, SECOND))
                .as("nothing is unconfirmed")
                .isFalse();
        window.sending(false, 100 * NANOS);
        assertThat(window.isQuiet(101 * NANOS, SECOND)).isFalse();
        window.sending(false, 101 * NANOS);
        assertThat(window.isQuiet(101 * NANOS + 1, SECOND)).isTrue();
        window.confirmed(1, 102 * NANOS);
        assertThat(window.isQuiet(103 * NANOS, SECOND)).isFalse();
        assertThat(window.isQuiet(103 * NANOS + 1, SECOND)).isTrue();
        window.unblocked(200 * NANOS);
        assertThat(window.isQuiet(201 * NANOS, SECOND)).isFalse();
    }

    @Test
    void itIsFullOfWhatIsNeitherConfirmedNorAnswered() {
        window.sending(false, 0);
        window.sending(false, 0);
        assertThat(window.isFull()).isTrue();
        window.answered(1);
        assertThat(window.isFull()).isFalse();
        window.confirmed(1, 0);
        assertThat(window.isEmpty()).isTrue();
    }

    @Test
    void aMessageIsAloneUntilItIsAnswered() {
        window.sending(true, 0);
        assertThat(window.isAlone()).isTrue();
        window.answered(0);
        assertThat(window.isAlone()).isTrue();
        window.answered(1);
        assertThat(window.isAlone()).isFalse();
    }

    @Test
    void anyConfirmProvesTheConnectionEvenOfAMessageThatWasGivenUp() {
        assertThat(window.isProven()).isFalse();
        window.confirmed(0, 0);
        assertThat(window.isProven()).isTrue();
    }
}
