package dev.posthaste.inbox;

import dev.posthaste.ProvidedByPosthaste;
import dev.posthaste.broker.Message;
import java.sql.Connection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a handler gets besides the payload. Made by Posthaste; methods may be added. Valid while the handler runs. */
@ProvidedByPosthaste
public interface EventContext {
    /**
     * In the inbox's transaction, which the inbox ends: {@code commit}, {@code rollback} without a savepoint and {@code
     * setAutoCommit(true)} throw an {@link java.sql.SQLException}, {@code close} does nothing.
     */
    Connection connection();

    /** The event's identity. */
    String eventId();

    /** The event's type. */
    String type();

    /** The version of the payload's schema; empty where a foreign program gave none. */
    String version();

    /** What orders it: events with equal keys are handled one after another. Null if no order was asked for. */
    @Nullable
    String key();

    /** All headers of the message. */
    Map<String, String> headers();

    /**
     * Which attempt this is, from 1. An attempt that no handler was to blame for, such as one that met a deadlock, is not
     * counted; a restarted process counts from 1 again.
     */
    int attempt();

    /** The message as the inbox's format reads it. */
    Message message();
}
