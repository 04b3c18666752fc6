package dev.posthaste.inbox;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/** What is done with events in one transaction: they are noted, handled, and reported to their outboxes. */
interface EventWork {
    /** What the events are noted as. */
    List<String> noteIds();

    /** Runs the handler, on the connection that it may use. */
    void handle(Connection connection) throws Exception;

    /** Whether there is something to report if the event was handled before. */
    boolean reportsDuplicates();

    /** Reports to the outboxes. */
    void report(Connection connection, boolean first) throws SQLException;

    /** The handler's. */
    HandlerOptions<?> options();
}
