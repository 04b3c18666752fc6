package dev.posthaste;

import java.time.Duration;

/** What is waiting in an outbox, and what is dead. */
@ProvidedByPosthaste
public interface Backlog {
    /** How many events are pending, those that are not due yet included. */
    long pending();

    /** How many events are dead. */
    long dead();

    /** Since the oldest pending event was written; zero without one. */
    Duration oldestAge();

    /** How long the database's oldest open transaction has been open; zero where the database does not say. */
    Duration oldestTransaction();
}
