package dev.posthaste.inbox;

import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All listeners of an inbox; what they throw is logged and ignored. Immutable. */
record InboxListeners(String inbox, List<InboxListener> all) {
    private static final Logger log = LoggerFactory.getLogger(InboxListeners.class);

    void hear(Consumer<InboxListener> event) {
        for (InboxListener listener : all) {
            try {
                event.accept(listener);
            } catch (Throwable e) {
                log.warn("Inbox {}: its listener threw {}, which is ignored", inbox, Thrown.text(e));
            }
        }
    }
}
