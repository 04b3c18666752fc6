package dev.posthaste.inbox;

import dev.posthaste.PayloadInfo;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import java.util.Map;

/** What a message says about its payload. */
record MessageInfo(Message message) implements PayloadInfo {
    @Override
    public String eventType() {
        return String.valueOf(message.eventType());
    }

    @Override
    public String version() {
        return message.headers().getOrDefault(MessageHeaders.EVENT_VERSION, "v1");
    }

    @Override
    public Map<String, String> headers() {
        return message.headers();
    }
}
