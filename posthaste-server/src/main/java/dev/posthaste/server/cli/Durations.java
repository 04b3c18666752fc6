package dev.posthaste.server.cli;

import dev.posthaste.server.config.ConfigDurations;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Durations as the configuration writes them. */
final class Durations implements ITypeConverter<Duration> {
    static @Nullable Duration parse(String text) {
        return ConfigDurations.parse(text);
    }

    @Override
    public Duration convert(String text) {
        Duration duration = parse(text);
        if (duration == null) {
            throw new TypeConversionException("'" + text + "' is not a duration such as 250ms, 10s, 5m, 12h or 7d");
        }
        return duration;
    }
}
