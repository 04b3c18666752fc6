package dev.posthaste.inbox;

import dev.posthaste.broker.Message;
import java.sql.Connection;

/**
 * What a handler gets besides the event.
 *
 * @param connection in the inbox's transaction; the handler neither commits, rolls back nor closes it
 * @param eventId the event's identity
 * @param message the message as it arrived
 */
public record Context(Connection connection, String eventId, Message message) {}
