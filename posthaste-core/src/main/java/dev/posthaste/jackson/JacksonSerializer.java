package dev.posthaste.jackson;

import dev.posthaste.PayloadInfo;
import dev.posthaste.PayloadSerializer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** JSON by Jackson 3 ({@code tools.jackson.core:jackson-databind}). Thread-safe. */
public final class JacksonSerializer implements PayloadSerializer {
    private final JsonMapper mapper;

    private JacksonSerializer(JsonMapper mapper) {
        this.mapper = mapper;
    }

    /** JSON as this mapper reads and writes it. */
    public static JacksonSerializer of(JsonMapper mapper) {
        return new JacksonSerializer(mapper);
    }

    @Override
    public byte[] write(Object payload, PayloadInfo info) {
        return mapper.writeValueAsBytes(payload);
    }

    /** @throws IllegalArgumentException if the bytes are not JSON of this type; says why without the payload */
    @Override
    public <T> T read(byte[] bytes, Class<T> type, PayloadInfo info) {
        try {
            return mapper.readValue(bytes, type);
        } catch (JacksonException e) {
            String reason = e.getOriginalMessage();
            throw new IllegalArgumentException(reason == null ? e.getClass().getSimpleName() : reason, e);
        }
    }

    @Override
    public String contentType() {
        return "application/json";
    }
}
