package dev.posthaste.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class FailureTest {
    private static final RuntimeException CAUSE = new RuntimeException("no stock");

    @Test
    void itIsAValue() {
        Failure failure = Failure.of("stock", "no stock").cause(CAUSE).attempts(3);
        assertThat(failure)
                .isEqualTo(Failure.of("stock", "no stock").attempts(3).cause(CAUSE))
                .hasSameHashCodeAs(Failure.of("stock", "no stock").attempts(3).cause(CAUSE))
                .hasToString("consumer stock gave up after 3 attempts: no stock")
                .isNotEqualTo(failure.cause(new RuntimeException("no stock")))
                .isNotEqualTo(failure.cause(null))
                .isNotEqualTo(failure.attempts(2))
                .isNotEqualTo(Failure.of("billing", "no stock").cause(CAUSE).attempts(3))
                .isNotEqualTo(Failure.of("stock", "late").cause(CAUSE).attempts(3));
    }

    @Test
    void unlessSaidOtherwiseItWasOneAttemptAndNothingWasThrown() {
        Failure failure = Failure.of("stock", "malformed");
        assertThat(failure.attempts()).isEqualTo(1);
        assertThat(failure.cause()).isNull();
        assertThat(failure.summary()).isEqualTo("consumer stock gave up after 1 attempt: malformed");
        assertThat(failure.headers("orders"))
                .containsEntry(MessageHeaders.ERROR, "malformed")
                .containsEntry(MessageHeaders.ERROR_ORIGIN, "orders")
                .doesNotContainKey(MessageHeaders.ERROR_STACK);
        assertThatThrownBy(() -> failure.attempts(-1)).isInstanceOf(IllegalArgumentException.class);
    }
}
