package dev.posthaste.reliability.torture;

import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.relay.internal.EngineListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * The events that a relay's broker acknowledged, and those that it refused when they were first sent, one line each;
 * separate from the database, where old rows are deleted. A killed process loses none of it. It also counts the reasons
 * for which events are sent again, and how long settling takes.
 */
final class RelayHistory implements EngineListener {
    // The names of its counts.
    static final String UNANSWERED = "unanswered";
    static final String TAKEN = "taken";
    static final String SILENT = "silent";

    static final String BATCHES = "settled.batches";
    static final String SETTLING_MICROS = "settling.micros";

    private static final String ACKNOWLEDGED = ".acknowledged";
    private static final String REFUSED = ".refused";
    private static final Duration UNDISTURBED = Duration.ofSeconds(10);
    private static final Duration YOUNG = Duration.ofSeconds(5);

    private final Lines acknowledged;
    private final Lines refused;
    private final AtomicLong batches = new AtomicLong();
    private final AtomicLong settlingMicros = new AtomicLong();
    /** By row, until the refusal is counted there: before that, the next message looks like the first. */
    private final Map<Long, String> refusedAtFirst = new ConcurrentHashMap<>();
    /** Events of which a message may have arrived without an answer. */
    private final Set<String> sentInVain = ConcurrentHashMap.newKeySet();

    private final LongSupplier clock;
    private volatile long undisturbedSince;
    private final AtomicLong unanswered = new AtomicLong();
    private final AtomicLong taken = new AtomicLong();
    private final AtomicLong silent = new AtomicLong();

    /**
     * @param vitals must not be started yet
     * @param clock like {@link System#nanoTime}
     */
    RelayHistory(Path home, String name, Vitals vitals, LongSupplier clock) throws IOException {
        this.clock = clock;
        acknowledged = new Lines(home.resolve(name + ACKNOWLEDGED));
        refused = new Lines(home.resolve(name + REFUSED));
        vitals.sign(BATCHES, batches::get).sign(SETTLING_MICROS, settlingMicros::get);
        vitals.sign(UNANSWERED, unanswered::get).sign(TAKEN, taken::get).sign(SILENT, silent::get);
    }

    @Override
    public void leaseTaken(String outbox, long epoch) {
        undisturbedSince = clock.getAsLong();
        refusedAtFirst.clear();
        taken.incrementAndGet();
    }

    @Override
    public void unconsumed(String outbox, long events, Duration oldest) {
        silent.addAndGet(events);
    }

    @Override
    public void settled(String outbox, List<Verdict> verdicts, int written, long nanos) {
        batches.incrementAndGet();
        settlingMicros.addAndGet(nanos / 1_000);
        for (Verdict verdict : verdicts) {
            String event = refusedAtFirst.remove(verdict.id());
            if (event != null && written == verdicts.size()) {
                add(refused, event);
            }
        }
    }

    @Override
    public void answered(String outbox, PendingEvent event, Outcome outcome, long nanos, long sinceWrittenNanos) {
        String id = event.event().eventId();
        if (outcome instanceof Outcome.Acknowledged) {
            add(acknowledged, id);
        } else if (outcome instanceof Outcome.Unknown) {
            unanswered.incrementAndGet();
            sentInVain.add(id);
        } else if (outcome instanceof Outcome.Rejected rejected
                && !isNack(rejected)
                && isFirst(event)
                && !sentInVain.contains(id)) {
            refusedAtFirst.put(event.id(), id);
        }
        if (outcome instanceof Outcome.Unknown || outcome instanceof Outcome.Unavailable) {
            undisturbedSince = clock.getAsLong();
        } else {
            sentInVain.remove(id);
        }
    }

    private static void add(Lines lines, String event) {
        try {
            lines.add(event);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** RabbitMQ also sends a nack when a queue fails, even for messages that are in the queue once it is back. */
    private static boolean isNack(Outcome.Rejected rejected) {
        return rejected.reason().endsWith("(nack)");
    }

    /**
     * Whether it was never sent before: it was not refused or requeued, and it was written after this relay took the
     * outbox, because it was young when it was read, and while nothing is disturbed it does not wait long to be sent.
     */
    private boolean isFirst(PendingEvent event) {
        Integer generation = event.generation();
        return event.attempts() == 0
                && (generation == null || generation == 0)
                && event.ageNanos() < YOUNG.toNanos()
                && clock.getAsLong() - undisturbedSince > UNDISTURBED.toNanos();
    }

    /** Every acknowledged event of all relays, once per acknowledgement. */
    static void readAcknowledged(Path home, Consumer<String> taker) throws IOException {
        read(home, ACKNOWLEDGED, taker);
    }

    /** Events whose very first message was refused. */
    static void readRefused(Path home, Consumer<String> taker) throws IOException {
        read(home, REFUSED, taker);
    }

    private static void read(Path home, String suffix, Consumer<String> taker) throws IOException {
        try (Stream<Path> files = Files.list(home)) {
            for (Path file :
                    files.filter(each -> each.toString().endsWith(suffix)).toList()) {
                Lines.whole(file).forEach(taker);
            }
        }
    }
}
