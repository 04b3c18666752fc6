package dev.posthaste.reliability.torture;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Where events ended up: with an effect, dead in their rows, or as dead letters.
 *
 * @param handled ids of the events with an effect
 * @param dead ids of the events that are dead in their rows
 * @param deadLetters ids of the events that consumers gave up on for good
 */
record Traces(Set<String> handled, Set<String> dead, Set<String> deadLetters) {
    static Traces of(Collection<String> handled, Collection<String> dead, Collection<DeadLetters.Letter> deadLetters) {
        return new Traces(
                new HashSet<>(handled),
                new HashSet<>(dead),
                new HashSet<>(deadLetters.stream()
                        .map(DeadLetters.Letter::event)
                        .filter(event -> !event.isEmpty())
                        .toList()));
    }

    boolean has(String event) {
        return handled.contains(event) || dead.contains(event) || deadLetters.contains(event);
    }

    /** Events that a consumer both handled and gave up on. */
    List<String> handledAndGivenUp() {
        return handledAnd(deadLetters);
    }

    /**
     * Events that are dead although they were handled. That must not happen if handlers record what they handled in
     * their own transaction; otherwise the broker may have forwarded a copy whose answer was lost, and refused the next
     * one.
     */
    List<String> handledAndDead() {
        return handledAnd(dead);
    }

    private List<String> handledAnd(Set<String> others) {
        return others.stream().filter(handled::contains).sorted().toList();
    }
}
