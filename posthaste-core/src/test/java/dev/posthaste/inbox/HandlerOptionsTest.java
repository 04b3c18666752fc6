package dev.posthaste.inbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.RetryPolicy;
import java.io.IOException;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

class HandlerOptionsTest {
    private static final HandlerOptions<String> NONE = HandlerOptions.none();

    private static void ignore(String payload, EventContext context, Throwable cause) {}

    @Test
    void theyAreEqualIfAllTheySayIs() {
        assertThat(NONE.retry(RetryPolicy.none()).retryOn(IOException.class, SQLException.class))
                .isEqualTo(NONE.retryOn(SQLException.class, IOException.class).retry(RetryPolicy.none()))
                .hasSameHashCodeAs(
                        NONE.retryOn(SQLException.class, IOException.class).retry(RetryPolicy.none()))
                .isNotEqualTo(NONE)
                .isNotEqualTo(NONE.retry(RetryPolicy.none()))
                .isNotEqualTo(NONE.retryOn(IOException.class, SQLException.class));
        assertThat(NONE.noRetryOn(IOException.class))
                .isEqualTo(NONE.noRetryOn(IOException.class))
                .isNotEqualTo(NONE.noRetryOn(SQLException.class))
                .hasToString("HandlerOptions[the inbox's retry policy, retry on [java.lang.Throwable], "
                        + "not on [java.io.IOException]]");
    }

    @Test
    void fallbacksAreEqualOnlyIfTheyAreTheSame() {
        FallbackHandler<String> one = HandlerOptionsTest::ignore;
        FallbackHandler<String> other = HandlerOptionsTest::ignore;
        assertThat(NONE.fallback(one)).isEqualTo(NONE.fallback(one)).isNotEqualTo(NONE.fallback(other));
        assertThat(NONE.fallback(one).toString()).endsWith(", with a fallback]");
    }
}
