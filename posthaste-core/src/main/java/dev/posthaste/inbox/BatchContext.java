package dev.posthaste.inbox;

import dev.posthaste.ProvidedByPosthaste;
import java.sql.Connection;
import java.util.List;

/** What a batch handler gets besides the payloads. Made by Posthaste; methods may be added. */
@ProvidedByPosthaste
public interface BatchContext {
    /** In the batch's transaction; as {@link EventContext#connection()}. */
    Connection connection();

    /** The context of each event, in the order of the payloads. */
    List<EventContext> events();
}
