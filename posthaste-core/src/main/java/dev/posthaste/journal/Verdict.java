package dev.posthaste.journal;

import java.time.Duration;

/** What became of one event, to be written down by {@link Journal#settle}. */
public sealed interface Verdict {
    long id();

    /** The broker has it durably. */
    record Published(long id) implements Verdict {}

    /** Refused; to be sent again after {@code delay}. {@code attempts} includes this one. */
    record Retry(long id, int attempts, Duration delay, String error) implements Verdict {}

    /** Refused for the last time. {@code attempts} includes this one. */
    record Dead(long id, int attempts, String error) implements Verdict {}
}
