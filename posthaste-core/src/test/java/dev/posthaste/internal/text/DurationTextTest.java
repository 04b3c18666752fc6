package dev.posthaste.internal.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** People read durations without knowing ISO 8601. */
class DurationTextTest {
    @ParameterizedTest
    @CsvSource({
        "PT0S, 0 s",
        "PT0.000000001S, 0.000001 ms",
        "PT0.0005S, 0.5 ms",
        "PT0.25S, 250 ms",
        "PT1S, 1 s",
        "PT1.5S, 1.5 s",
        "PT4S, 4 s",
        "PT10S, 10 s",
        "PT60S, 1 minute",
        "PT90S, 90 s",
        "PT5M, 5 minutes",
        "PT1H, 1 hour",
        "PT90M, 90 minutes",
        "PT36H, 36 hours",
        "P1D, 1 day",
        "PT168H, 7 days",
        "PT168H0.001S, 604800.001 s",
        "P36525D, 36525 days",
        "PT-0.25S, -250 ms",
        "PT-5S, -5 s",
        "PT-1H, -1 hour",
        "PT-9223372036854775808S, -9223372036854775808 s",
        "PT9223372036854775807.999999999S, 9223372036854775807.999999999 s"
    })
    void aSettingIsWrittenExactly(Duration time, String text) {
        assertThat(DurationText.of(time)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({
        "PT-1H, 0 s",
        "PT0.0000001S, 0 s",
        "PT0.2504S, 250 ms",
        "PT3.1415S, 3 s",
        "PT12.9S, 12 s",
        "PT119.9S, 119 s",
        "PT120.1S, 2 minutes",
        "PT1H59M59S, 119 minutes",
        "PT2H59M, 2 hours",
        "PT47H, 47 hours",
        "PT71H, 2 days"
    })
    void aMeasuredTimeIsRounded(Duration time, String text) {
        assertThat(DurationText.rounded(time)).isEqualTo(text);
    }

    @Test
    void noTextIsThatOfAnotherDuration() {
        Duration week = Duration.ofDays(7);
        assertThat(DurationText.of(week))
                .isEqualTo(DurationText.of(Duration.ofHours(168)))
                .isNotEqualTo(DurationText.of(week.plusNanos(1)));
    }
}
