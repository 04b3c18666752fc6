package dev.posthaste.internal.json;

import dev.posthaste.InvalidEventException;
import dev.posthaste.PayloadInfo;
import dev.posthaste.PayloadSerializer;

/** Stands in where no Jackson works. Payloads that are bytes or text never get here. */
public final class MissingSerializer implements PayloadSerializer {
    private final Throwable why;

    MissingSerializer(Throwable why) {
        this.why = why;
    }

    @Override
    public byte[] write(Object payload, PayloadInfo info) {
        throw new InvalidEventException(message(payload.getClass()), why);
    }

    @Override
    public <T> T read(byte[] bytes, Class<T> type, PayloadInfo info) {
        throw new IllegalStateException(message(type), why);
    }

    @Override
    public String contentType() {
        return "application/json";
    }

    /** What to do about it. */
    public static String message(Class<?> type) {
        return "there is no Jackson that works, so only byte[] and text can be payloads, not " + type.getName()
                + ". Add " + JsonLibraries.COORDINATES + ", or give a PayloadSerializer";
    }
}
