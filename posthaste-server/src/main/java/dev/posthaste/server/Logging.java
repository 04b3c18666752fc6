package dev.posthaste.server;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.encoder.EncoderBase;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/** Where log lines go: one line per log event, for people or for programs. */
public final class Logging {
    private static final Map<String, Level> QUIET = Map.of(
            "io.javalin", Level.WARN,
            "org.eclipse.jetty", Level.WARN,
            "org.apache.kafka", Level.WARN,
            "com.zaxxer.hikari", Level.WARN);

    /** On one line, whatever it contains. */
    private static final String MESSAGE =
            "%replace(%replace(%msg %ex){'\\s*[\\r\\n]+\\s*', ' | '}){'[ |]+$', ''}%nopex%n";

    private Logging() {}

    /** The daemon's log, on standard output. */
    public static void toStdout(boolean json) {
        configure(
                "System.out",
                json ? new JsonLines() : lines("%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level " + MESSAGE),
                Level.INFO);
    }

    /** Logs what a command cannot report itself to standard error; standard output is the command's alone. */
    public static void errorsToStderr() {
        configure("System.err", lines("%-5level " + MESSAGE), Level.ERROR);
    }

    private static PatternLayoutEncoder lines(String pattern) {
        PatternLayoutEncoder lines = new PatternLayoutEncoder();
        lines.setPattern(pattern);
        return lines;
    }

    private static void configure(String target, Encoder<ILoggingEvent> encoder, Level level) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        encoder.setContext(context);
        encoder.start();
        ConsoleAppender<ILoggingEvent> console = new ConsoleAppender<>();
        console.setContext(context);
        console.setTarget(target);
        console.setEncoder(encoder);
        console.start();
        ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        root.setLevel(level);
        root.addAppender(console);
        QUIET.forEach(
                (name, quiet) -> context.getLogger(name).setLevel(level.isGreaterOrEqual(quiet) ? Level.OFF : quiet));
    }

    /** One JSON object per line. */
    private static final class JsonLines extends EncoderBase<ILoggingEvent> {
        private final JsonMapper json = JsonMapper.builder().build();

        @Override
        public byte[] headerBytes() {
            return new byte[0];
        }

        @Override
        public byte[] encode(ILoggingEvent event) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("time", Instant.ofEpochMilli(event.getTimeStamp()).toString());
            line.put("level", event.getLevel().toString());
            line.put("message", event.getFormattedMessage());
            line.put("logger", event.getLoggerName());
            line.put("thread", event.getThreadName());
            if (event.getThrowableProxy() != null) {
                line.put("error", ThrowableProxyUtil.asString(event.getThrowableProxy()));
            }
            return (json.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public byte[] footerBytes() {
            return new byte[0];
        }
    }
}
