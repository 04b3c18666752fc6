package dev.posthaste.internal.text;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;

/** Durations for people to read: 250 ms, 1.5 s, 5 minutes, 1 hour, 7 days. */
public final class DurationText {
    private static final List<ChronoUnit> UNITS = List.of(ChronoUnit.DAYS, ChronoUnit.HOURS, ChronoUnit.MINUTES);

    private DurationText() {}

    /** Exactly, in the largest unit that divides it; for settings. Different durations have different texts. */
    public static String of(Duration time) {
        for (ChronoUnit unit : UNITS) {
            long number = time.getSeconds() / unit.getDuration().getSeconds();
            if (number != 0 && time.equals(Duration.of(number, unit))) {
                String units = unit.name().toLowerCase(Locale.ROOT);
                return number + " " + (Math.abs(number) == 1 ? units.substring(0, units.length() - 1) : units);
            }
        }
        BigDecimal seconds = BigDecimal.valueOf(time.getSeconds()).add(BigDecimal.valueOf(time.getNano(), 9));
        return seconds.signum() != 0 && seconds.abs().compareTo(BigDecimal.ONE) < 0
                ? plain(seconds.movePointRight(3)) + " ms"
                : plain(seconds) + " s";
    }

    private static String plain(BigDecimal number) {
        return number.stripTrailingZeros().toPlainString();
    }

    /** Roughly, as people would say it; for what was measured. A negative time, which a clock set back gives, is 0 s. */
    public static String rounded(Duration time) {
        for (ChronoUnit unit : UNITS) {
            if (time.compareTo(unit.getDuration().multipliedBy(2)) >= 0) {
                return of(time.truncatedTo(unit));
            }
        }
        return time.isNegative()
                ? of(Duration.ZERO)
                : of(time.truncatedTo(time.getSeconds() < 1 ? ChronoUnit.MILLIS : ChronoUnit.SECONDS));
    }
}
