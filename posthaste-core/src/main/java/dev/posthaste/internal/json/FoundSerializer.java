package dev.posthaste.internal.json;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.cfg.MapperBuilder;
import dev.posthaste.PayloadInfo;
import dev.posthaste.PayloadSerializer;
import dev.posthaste.jackson.Jackson2Serializer;
import dev.posthaste.jackson.JacksonSerializer;
import java.util.Map;
import java.util.ServiceConfigurationError;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The serializer where none is configured: Jackson 3, else Jackson 2, else one for bytes and text only. */
public final class FoundSerializer {
    private static final Logger log = LoggerFactory.getLogger(PayloadSerializer.class);
    private static final PayloadSerializer FOUND = find();

    private FoundSerializer() {}

    public static PayloadSerializer get() {
        return FOUND;
    }

    private static PayloadSerializer find() {
        Throwable three;
        try {
            return tried(Three.serializer());
        } catch (LinkageError | ServiceConfigurationError | RuntimeException e) {
            three = e;
        }
        try {
            PayloadSerializer two = tried(Two.serializer());
            if (isPresent("tools.jackson.databind.json.JsonMapper")) {
                log.warn(
                        "Jackson 3 is on the class path and does not work ({}): perhaps jackson-annotations are older than it"
                                + " needs, or one of its modules does not load. Payloads go through Jackson 2",
                        three.toString());
            }
            return two;
        } catch (LinkageError | ServiceConfigurationError | RuntimeException two) {
            three.addSuppressed(two);
            return new MissingSerializer(three);
        }
    }

    /** A library whose annotations are too old fails when it first looks at a class. */
    private static PayloadSerializer tried(PayloadSerializer serializer) {
        try {
            serializer.read(serializer.write(new Probe("a", 1), Probe.INFO), Probe.class, Probe.INFO);
        } catch (Exception e) {
            throw new IllegalStateException("Jackson cannot write and read a record", e);
        }
        return serializer;
    }

    private static boolean isPresent(String className) {
        try {
            Class.forName(className, false, FoundSerializer.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException | LinkageError e) {
            return false;
        }
    }

    /** What both libraries are tested with. */
    record Probe(@Nullable String text, int number) {
        static final PayloadInfo INFO = new PayloadInfo() {
            @Override
            public String eventType() {
                return "probe";
            }

            @Override
            public String version() {
                return "v1";
            }

            @Override
            public Map<String, String> headers() {
                return Map.of();
            }
        };
    }

    /** Loaded only when it is called, and then needs Jackson 3. */
    static final class Three {
        static PayloadSerializer serializer() {
            return JacksonSerializer.of(tools.jackson.databind.json.JsonMapper.shared());
        }
    }

    /** Loaded only when it is called, and then needs Jackson 2. */
    static final class Two {
        /** Like Jackson 3 where the defaults of the two differ, so that both write and read the same JSON. */
        static PayloadSerializer serializer() {
            return Jackson2Serializer.of(com.fasterxml.jackson.databind.json.JsonMapper.builder()
                    .addModules(MapperBuilder.findModules(Two.class.getClassLoader()))
                    .enable(
                            MapperFeature.SORT_PROPERTIES_ALPHABETICALLY,
                            MapperFeature.SORT_CREATOR_PROPERTIES_BY_DECLARATION_ORDER)
                    .disable(
                            MapperFeature.ALLOW_FINAL_FIELDS_AS_MUTATORS,
                            MapperFeature.DEFAULT_VIEW_INCLUSION,
                            MapperFeature.USE_GETTERS_AS_SETTERS)
                    .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
                    .disable(
                            SerializationFeature.WRITE_DATES_AS_TIMESTAMPS,
                            SerializationFeature.WRITE_DURATIONS_AS_TIMESTAMPS,
                            SerializationFeature.FAIL_ON_EMPTY_BEANS)
                    .enable(SerializationFeature.WRITE_ENUMS_USING_TO_STRING)
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .enable(
                            DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES,
                            DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
                            DeserializationFeature.READ_ENUMS_USING_TO_STRING)
                    .build());
        }
    }
}
