package dev.posthaste.reliability.simulation;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A process: it lives, is sometimes paused, and dies. A new one takes its place under another name. */
final class Node {
    /** What the process runs. */
    enum Role {
        WRITER,
        RELAY,
        CONSUMER,
        /** Writes receipts that arrive as messages. */
        INTAKE,
        /** An operator's console. */
        CONSOLE,
        /** The simulation itself and the world around it; it never fails. */
        OPERATOR
    }

    final Role role;
    final String name;
    /** The error of its wall clock, in nanoseconds. */
    final long skew;

    private final Set<Session> sessions = new LinkedHashSet<>();
    private @Nullable Node partner;
    private boolean dead;
    private boolean hangs;
    private long pausedUntil;
    private long statements;

    /** Thrown at the point where a node died; only the simulation catches it. */
    static final class CrashError extends Error {
        CrashError(Node node) {
            super(node.name, null, false, false);
        }
    }

    Node(Role role, String name, long skew) {
        this.role = role;
        this.name = name;
        this.skew = skew;
    }

    boolean dead() {
        return dead;
    }

    /** Rolls back what its connections had not committed. */
    void die() {
        dead = true;
        List<Session> open = new ArrayList<>(sessions);
        open.forEach(Session::abort);
        sessions.clear();
    }

    /** Ties its life to another node's: both are one process. */
    void joins(Node other) {
        partner = other;
        other.partner = this;
    }

    @Nullable
    Node partner() {
        return partner;
    }

    void requireAlive() {
        if (dead) {
            throw new CrashError(this);
        }
    }

    /** The thread that works on the outbox never returns; the others do not notice. */
    void hang() {
        hangs = true;
    }

    boolean hangs() {
        return hangs;
    }

    /** Its connections lead to a replica from now on, and new ones to the new primary. */
    void failOver() {
        sessions.forEach(Session::becomeReadOnly);
    }

    void pause(long until) {
        pausedUntil = Math.max(pausedUntil, until);
    }

    void goOn() {
        pausedUntil = 0;
    }

    long pausedUntil() {
        return pausedUntil;
    }

    /** Counts a statement that it sends to the database. */
    void asks() {
        statements++;
    }

    long statements() {
        return statements;
    }

    void opened(Session session) {
        sessions.add(session);
    }

    void closed(Session session) {
        sessions.remove(session);
    }

    /** It disappears without closing anything: its transactions stay open. */
    void vanish() {
        dead = true;
        sessions().forEach(Session::endStatement);
    }

    List<Session> sessions() {
        return List.copyOf(sessions);
    }

    @Override
    public String toString() {
        return name;
    }
}
