package dev.posthaste.examples.eventbus;

import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.inbox.EventContext;
import java.sql.Connection;
import java.sql.SQLException;

/** Talks with people. The conversation becomes history, and then something to remember. */
final class AgentService {
    static final String NAME = "agent";
    static final String PERSIST = "chat.history.persist.requested";

    private final JdbcOutbox outbox;

    AgentService(JdbcOutbox outbox) {
        this.outbox = outbox;
    }

    /** One message of a conversation. */
    record ChatMessage(String conversation, int seq, String text) {}

    static void open(Connection connection, String conversation) throws SQLException {
        Tables.update(connection, "insert into conversation (id, messages) values (?, 0)", conversation);
    }

    /** Adds a message to a conversation. Its row is locked first, so that events follow the order of the messages. */
    void say(Connection connection, String conversation, String text) throws SQLException {
        Tables.update(connection, "update conversation set messages = messages + 1 where id = ?", conversation);
        int seq = Tables.query(
                        connection,
                        "select messages from conversation where id = ?",
                        row -> row.getInt(1),
                        conversation)
                .get(0);
        outbox.write(connection, Event.of(PERSIST, conversation, new ChatMessage(conversation, seq, text)));
    }

    /** Writes the history, and in the same transaction the next service's event. */
    void persist(ChatMessage message, EventContext context) throws SQLException {
        Tables.update(
                context.connection(),
                "insert into chat_history (conversation, seq, text, event_id) values (?, ?, ?, ?)",
                message.conversation(),
                message.seq(),
                message.text(),
                context.eventId());
        outbox.write(
                context.connection(),
                Event.of(
                        MemoryService.EXTRACT,
                        message.conversation(),
                        new MemoryService.Extraction(message.conversation(), message.seq())));
    }
}
