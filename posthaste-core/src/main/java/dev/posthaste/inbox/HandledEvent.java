package dev.posthaste.inbox;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import java.sql.Connection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An event as its handler gets it. */
record HandledEvent(Connection connection, String eventId, String type, Message message, int attempt)
        implements EventContext {
    @Override
    public String version() {
        return message.headers().getOrDefault(MessageHeaders.EVENT_VERSION, "");
    }

    @Override
    public @Nullable String key() {
        return message.key();
    }

    @Override
    public Map<String, String> headers() {
        return message.headers();
    }
}
