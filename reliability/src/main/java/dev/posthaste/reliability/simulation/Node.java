package dev.posthaste.reliability.simulation;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** A process: it lives, stands still for a while, and dies. A new one takes its place under another name. */
final class Node {
    /** What it runs. */
    enum Role {
        WRITER,
        RELAY,
        CONSUMER,
        OPERATOR
    }

    final Role role;
    final String name;
    /** By how much its wall clock is wrong, in nanoseconds. */
    final long skew;

    private final Set<Jdbc.Session> sessions = new LinkedHashSet<>();
    private boolean dead;
    private long pausedUntil;

    /** Thrown where a node was when it died; nothing catches it but the simulation. */
    static final class Died extends Error {
        Died(Node node) {
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

    /** What its connections had not committed is rolled back. */
    void die() {
        dead = true;
        List<Jdbc.Session> open = new ArrayList<>(sessions);
        open.forEach(Jdbc.Session::abort);
        sessions.clear();
    }

    void requireAlive() {
        if (dead) {
            throw new Died(this);
        }
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

    void opened(Jdbc.Session session) {
        sessions.add(session);
    }

    void closed(Jdbc.Session session) {
        sessions.remove(session);
    }

    /** The sessions that hold locks now and are not to hold them for ever. */
    List<Jdbc.Session> endingWhenSilent() {
        return sessions.stream().filter(Jdbc.Session::endsWhenSilent).toList();
    }

    @Override
    public String toString() {
        return name;
    }
}
