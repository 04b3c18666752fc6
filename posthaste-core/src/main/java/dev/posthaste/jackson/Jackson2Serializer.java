package dev.posthaste.jackson;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.posthaste.PayloadInfo;
import dev.posthaste.PayloadSerializer;
import java.io.IOException;

/** JSON by Jackson 2 ({@code com.fasterxml.jackson.core:jackson-databind}, 2.18 or later). Thread-safe. */
public final class Jackson2Serializer implements PayloadSerializer {
    private final ObjectMapper mapper;

    private Jackson2Serializer(ObjectMapper mapper) {
        this.mapper = mapper;
    }

    /** JSON as this mapper reads and writes it. */
    public static Jackson2Serializer of(ObjectMapper mapper) {
        return new Jackson2Serializer(mapper);
    }

    @Override
    public byte[] write(Object payload, PayloadInfo info) throws IOException {
        return mapper.writeValueAsBytes(payload);
    }

    /** @throws IllegalArgumentException if the bytes are not JSON of this type; says why without the payload */
    @Override
    public <T> T read(byte[] bytes, Class<T> type, PayloadInfo info) throws IOException {
        try {
            return mapper.readValue(bytes, type);
        } catch (JsonProcessingException e) {
            String reason = e.getOriginalMessage();
            throw new IllegalArgumentException(reason == null ? e.getClass().getSimpleName() : reason, e);
        }
    }

    @Override
    public String contentType() {
        return "application/json";
    }
}
