package dev.posthaste.examples.eventbus;

import dev.posthaste.inbox.EventContext;
import java.sql.SQLException;

/** Remembers conversations: the end of the chain. */
final class MemoryService {
    static final String NAME = "memory";
    static final String EXTRACT = "memory.extract.requested";

    /** A request to remember something from a message. */
    record Extraction(String conversation, int seq) {}

    void extract(Extraction extraction, EventContext context) throws SQLException {
        Tables.update(
                context.connection(),
                "insert into memory (conversation, seq, event_id) values (?, ?, ?)",
                extraction.conversation(),
                extraction.seq(),
                context.eventId());
    }
}
