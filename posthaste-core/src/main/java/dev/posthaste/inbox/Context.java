package dev.posthaste.inbox;

import dev.posthaste.broker.Message;
import java.sql.Connection;

/**
 * What a handler gets besides the event.
 *
 * @param connection in the inbox's transaction, which the inbox ends: {@code commit}, {@code rollback} without a savepoint and
 *     {@code setAutoCommit(true)} throw an {@link java.sql.SQLException}, {@code close} does nothing
 * @param eventId the event's identity
 * @param message the message as it arrived
 */
public record Context(Connection connection, String eventId, Message message) {}
