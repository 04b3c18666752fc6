package dev.posthaste.relay.internal;

import dev.posthaste.Route;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.admin.ChangeProgress;
import dev.posthaste.internal.admin.Waiting;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The messages that a replay has on their way to the broker: a bounded number of messages, one of a key at a time, each
 * until the broker has answered for good. Knows up to which row all are done. Used by one thread; counts and texts may
 * be read by any.
 */
final class ReplayWindow {
    private static final int MESSAGES = 200;
    private static final long BYTES = 8L << 20;
    /** Rows that are done wait here for an older one that is not. */
    private static final int MAX_PLACES = 10_000;

    private static final int REFUSALS = 10;
    private static final int MAX_ERRORS = 20;
    private static final long MAX_BACKOFF_NANOS = Duration.ofSeconds(5).toNanos();
    private static final long FIRST_BACKOFF_NANOS = Duration.ofMillis(100).toNanos();

    private final Waiting waiting;
    private final Broker broker;
    private final LinkedBlockingQueue<Answered> answers = new LinkedBlockingQueue<>();
    private final ArrayDeque<Place> places = new ArrayDeque<>();
    private final Set<String> keysOut = new HashSet<>();
    private final List<Sending> again = new ArrayList<>();
    private final List<String> errors = new ArrayList<>(); // guarded by itself
    private int atBroker;
    private long bytesOut;
    private long after = Long.MIN_VALUE;
    private long sentThere;
    private long failedThere;
    private volatile long sent;
    private volatile long failed;
    private volatile @Nullable String waitingFor;

    /** A row, in the order of ids, and whether it is done. */
    private static final class Place {
        final long id;
        int sent;
        int failed;
        boolean done;

        Place(long id) {
            this.id = id;
        }
    }

    /** An event on its way. */
    private static final class Sending {
        final Place place;
        final Message message;
        int refusals;
        int tries;
        boolean atBroker;
        long notBefore;

        Sending(Place place, Message message) {
            this.place = place;
            this.message = message;
        }
    }

    /** @param attempt which attempt of the sending it answers */
    private record Answered(Sending sending, int attempt, Outcome outcome) {}

    ReplayWindow(Broker broker, Waiting waiting) {
        this.waiting = waiting;
        this.broker = broker;
    }

    /** Continues where an earlier run was. */
    void startAt(ChangeProgress progress) {
        after = progress.after();
        sentThere = progress.events();
        failedThere = progress.failed();
        sent = sentThere;
        failed = failedThere;
    }

    /** How far the replay certainly is. */
    ChangeProgress certain(ChangeProgress progress) {
        return progress.at(after, sentThere, failedThere);
    }

    long sent() {
        return sent;
    }

    long failed() {
        return failed;
    }

    /** The broker's last answer, while it accepts nothing. */
    @Nullable
    String waitingFor() {
        return waitingFor;
    }

    List<String> errors() {
        synchronized (errors) {
            return List.copyOf(errors);
        }
    }

    void error(String error) {
        synchronized (errors) {
            if (errors.size() < MAX_ERRORS) {
                errors.add(error);
            }
        }
    }

    int atBroker() {
        return atBroker;
    }

    boolean isEmpty() {
        return atBroker == 0 && again.isEmpty();
    }

    /** Tells the broker where messages will go. What it cannot prepare shows in the outcomes of the messages. */
    void prepare(Route route) {
        try {
            broker.prepare(route);
        } catch (Throwable e) { // the broker's own
            error("The broker could not prepare " + route + ": " + e);
        }
    }

    /** Whether there is room for a message. One that is larger than the window goes alone. */
    boolean takes(Message next) {
        int out = atBroker + again.size();
        boolean full = out >= MESSAGES || (out > 0 && bytesOut + next.body().length > BYTES);
        return !full && takesRow() && !(next.key() != null && keysOut.contains(next.key()));
    }

    /** Whether there is room for a row from which nothing is sent. */
    boolean takesRow() {
        return places.size() < MAX_PLACES;
    }

    void send(long id, Message message) {
        if (message.key() != null) {
            keysOut.add(message.key());
        }
        bytesOut += message.body().length;
        Place place = new Place(id);
        places.add(place);
        publish(new Sending(place, message));
    }

    /** A row that cannot be sent. */
    void fail(long id, String why) {
        Place place = new Place(id);
        places.add(place);
        fail(place, why);
    }

    /** Nothing more comes of rows up to this one. */
    void passed(long id) {
        Place place = new Place(id);
        places.add(place);
        done(place);
    }

    /** Takes in answers; waits up to {@code millis} for one. */
    void takeIn(long millis) throws InterruptedException {
        long nanos = TimeUnit.MILLISECONDS.toNanos(millis);
        Answered answer = atBroker == 0 && nanos > 0 ? sleep(nanos) : waiting.poll(answers, nanos);
        while (answer != null) {
            Sending sending = answer.sending();
            // A broker that answers twice, or throws after it has answered, is heard once.
            if (sending.atBroker && sending.tries == answer.attempt()) {
                sending.atBroker = false;
                atBroker--;
                decide(sending, answer.outcome());
            }
            answer = answers.poll();
        }
    }

    private @Nullable Answered sleep(long nanos) throws InterruptedException {
        waiting.sleep(nanos);
        return null;
    }

    /** Sends again what is due. */
    void resend() {
        if (again.isEmpty()) {
            return;
        }
        long now = waiting.nanoTime();
        List<Sending> due = new ArrayList<>();
        for (Iterator<Sending> each = again.iterator(); each.hasNext(); ) {
            Sending sending = each.next();
            if (sending.notBefore - now <= 0) {
                each.remove();
                due.add(sending);
            }
        }
        due.forEach(this::publish);
    }

    private void publish(Sending sending) {
        atBroker++;
        sending.atBroker = true;
        int attempt = ++sending.tries;
        try {
            broker.publish(sending.message, outcome -> answers.add(new Answered(sending, attempt, outcome)));
        } catch (RuntimeException e) {
            answers.add(new Answered(sending, attempt, Outcome.unknown(e.toString())));
        }
    }

    private void decide(Sending sending, Outcome outcome) {
        if (outcome instanceof Outcome.Acknowledged) {
            sent = sent + 1; // this thread alone writes it
            waitingFor = null;
            sending.place.sent = 1;
            release(sending);
            done(sending.place);
        } else if (outcome instanceof Outcome.Rejected rejected
                && (rejected.permanent() || ++sending.refusals >= REFUSALS)) {
            release(sending);
            fail(sending.place, sending.message + ": " + rejected.reason());
        } else {
            waitingFor = String.valueOf(outcome);
            long backoff = FIRST_BACKOFF_NANOS << Math.min(sending.tries - 1, 6);
            sending.notBefore = waiting.nanoTime() + Math.min(backoff, MAX_BACKOFF_NANOS);
            again.add(sending);
        }
    }

    private void release(Sending sending) {
        bytesOut -= sending.message.body().length;
        if (sending.message.key() != null) {
            keysOut.remove(sending.message.key());
        }
    }

    private void fail(Place place, String why) {
        failed = failed + 1; // this thread alone writes it
        error(why);
        place.failed = 1;
        done(place);
    }

    private void done(Place place) {
        place.done = true;
        for (Place first = places.peek(); first != null && first.done; first = places.peek()) {
            places.remove();
            after = first.id;
            sentThere += first.sent;
            failedThere += first.failed;
        }
    }
}
