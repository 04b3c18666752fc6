package dev.posthaste.rabbitmq;

import dev.posthaste.broker.Outcome;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The messages that have not been sent yet, in a queue per exchange, so that an exchange whose messages must wait delays no
 * others. Exchanges take turns. Thread-safe; a session's lock may be taken while this one is held, never the reverse.
 */
final class UnsentMessages {
    private static final long MAX_WAIT_MILLIS = 100;

    private final Map<String, ArrayDeque<Publication>> exchanges = new LinkedHashMap<>(); // guarded by this

    synchronized void add(Publication publication) {
        exchanges
                .computeIfAbsent(publication.exchange(), exchange -> new ArrayDeque<>())
                .addLast(publication);
        notifyAll();
    }

    /** Puts back a message that {@link #next} returned and that was not sent. */
    synchronized void putBack(Publication publication) {
        exchanges
                .computeIfAbsent(publication.exchange(), exchange -> new ArrayDeque<>())
                .addFirst(publication);
        notifyAll();
    }

    synchronized void awaitAny() throws InterruptedException {
        while (exchanges.isEmpty()) {
            wait();
        }
    }

    /** Something that messages may be waiting for has changed, such as room in the window. */
    synchronized void wake() {
        notifyAll();
    }

    synchronized void pause(long nanos) throws InterruptedException {
        TimeUnit.NANOSECONDS.timedWait(this, nanos);
    }

    /**
     * Takes a message that is ready, or waits until that may have changed.
     *
     * @param urgent tells a message that goes before all others, which wait until it is ready
     * @return null if none is ready yet
     */
    synchronized @Nullable Publication next(Predicate<Publication> urgent, Predicate<Publication> ready)
            throws InterruptedException {
        Publication next = ready(urgent, ready);
        if (next == null) {
            wait(MAX_WAIT_MILLIS);
            return null;
        }
        ArrayDeque<Publication> queue = exchanges.remove(next.exchange());
        if (queue != null) {
            queue.removeFirst();
            if (!queue.isEmpty()) {
                exchanges.put(next.exchange(), queue); // the last in the next round
            }
        }
        return next;
    }

    private @Nullable Publication ready(Predicate<Publication> urgent, Predicate<Publication> ready) {
        for (ArrayDeque<Publication> queue : exchanges.values()) {
            Publication head = queue.getFirst();
            if (urgent.test(head)) {
                return ready.test(head) ? head : null;
            }
        }
        for (ArrayDeque<Publication> queue : exchanges.values()) {
            Publication head = queue.getFirst();
            if (ready.test(head)) {
                return head;
            }
        }
        return null;
    }

    /** Answers and removes the messages that were published before this time. */
    void expire(long before, Function<String, Outcome> outcome) {
        answerIn(exchange -> true, publication -> publication.since() - before < 0, true, outcome);
    }

    /** Answers and removes the waiting messages of an exchange that match. */
    void answer(String exchange, Predicate<Publication> which, Outcome outcome) {
        answerIn(exchange::equals, which, false, each -> outcome);
    }

    /** Answers and removes all messages. */
    void answerAll(Outcome outcome) {
        answerIn(exchange -> true, publication -> true, false, each -> outcome);
    }

    private void answerIn(
            Predicate<String> where,
            Predicate<Publication> which,
            boolean onlyFirst,
            Function<String, Outcome> outcome) {
        for (String exchange : names()) {
            if (where.test(exchange) && hasAny(exchange, which, onlyFirst)) {
                Outcome same = outcome.apply(exchange);
                List<Publication> taken = new ArrayList<>();
                try {
                    take(exchange, which, onlyFirst, taken);
                } finally {
                    taken.forEach(each -> each.answer(same));
                }
            }
        }
    }

    private synchronized List<String> names() {
        return List.copyOf(exchanges.keySet());
    }

    private synchronized boolean hasAny(String exchange, Predicate<Publication> which, boolean onlyFirst) {
        ArrayDeque<Publication> queue = exchanges.get(exchange);
        return queue != null
                && (onlyFirst ? which.test(queue.getFirst()) : queue.stream().anyMatch(which));
    }

    /** @param onlyFirst whether to stop at the first that does not match */
    private synchronized void take(
            String exchange, Predicate<Publication> which, boolean onlyFirst, List<Publication> taken) {
        ArrayDeque<Publication> queue = exchanges.get(exchange);
        if (queue == null) {
            return;
        }
        Iterator<Publication> all = queue.iterator();
        boolean done = false;
        while (!done && all.hasNext()) {
            Publication each = all.next();
            if (which.test(each)) {
                taken.add(each);
                all.remove();
            } else {
                done = onlyFirst;
            }
        }
        if (queue.isEmpty()) {
            exchanges.remove(exchange);
        }
    }
}
