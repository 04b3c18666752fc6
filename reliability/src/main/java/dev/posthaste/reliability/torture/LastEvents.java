package dev.posthaste.reliability.torture;

import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * When all faults are over and everything is drained and quiet, writes some events and compares the processes' meters
 * with the truth. While processes are being killed, the correct counts cannot be known.
 */
final class LastEvents {
    private static final int EVENTS = 100;
    /** Dead events that stay dead: otherwise there might be none for a meter to miscount. */
    private static final int DEAD_EVENTS = 3;

    /** Gauges are updated every two seconds. */
    private static final Duration MEASURED = Duration.ofSeconds(15);

    private static final int TRIES = 3;

    private static final Duration IDLE = Duration.ofSeconds(4);
    /**
     * Four polls and sweeps of the working relay, its measurements, and the leases of all three: 31 to 89, the most on
     * SQLite, where a transaction takes more statements.
     */
    private static final long IDLE_STATEMENTS_A_SECOND = 200;

    private final Testbed stage;

    LastEvents(Testbed stage) {
        this.stage = stage;
    }

    /** @return null, or what a meter shows wrongly */
    @Nullable
    String check() throws Exception {
        Probe.writeDead(stage, "last", DEAD_EVENTS, MEASURED);
        for (int i = 0; i < TRIES; i++) {
            long epoch = epoch();
            String mismatch = check("last-" + i);
            if (epoch() == epoch) { // on a busy machine a lease may expire
                return mismatch;
            }
        }
        return "the outbox changed its owner in each of " + TRIES + " tries, although there were no faults";
    }

    /** Statements and commits per second of all relays together, while there is nothing to do. */
    long idleStatements() throws IOException, InterruptedException {
        long before = statements();
        long start = System.nanoTime();
        Thread.sleep(IDLE.toMillis());
        return (statements() - before) * 1_000_000_000L / (System.nanoTime() - start);
    }

    private long statements() throws IOException {
        return Ownership.relays(stage).values().stream()
                .mapToLong(relay -> relay.get(RelayProcess.STATEMENTS))
                .sum();
    }

    static @Nullable String excess(long idleStatements) {
        return idleStatements <= IDLE_STATEMENTS_A_SECOND
                ? null
                : "relays with nothing to do took " + idleStatements + " statements per second, but "
                        + IDLE_STATEMENTS_A_SECOND + " are enough";
    }

    private long epoch() throws Exception {
        return stage.count("select epoch from posthaste_lease where outbox = '" + Setup.OUTBOX + "'");
    }

    private @Nullable String check(String transaction) throws Exception {
        Map<String, Long> before = told();
        long deadline = System.nanoTime() + MEASURED.toNanos();
        Probe.write(stage, transaction, EVENTS, MEASURED);
        while (true) {
            String mismatch = mismatch(truth(before), told());
            if (mismatch == null || System.nanoTime() > deadline) {
                return mismatch;
            }
            Thread.sleep(100);
        }
    }

    /** What the meters must show when the events are handled, given what they showed before. */
    private Map<String, Long> truth(Map<String, Long> before) throws Exception {
        Map<String, Long> truth = new LinkedHashMap<>(before);
        for (String counter : new String[] {
            RelayProcess.PUBLISHED, RelayProcess.TIME_TO_PUBLISH, ConsumerProcess.HANDLED, ConsumerProcess.HANDLED_METER
        }) {
            truth.merge(counter, (long) EVENTS, Long::sum);
        }
        truth.put(RelayProcess.PENDING, 0L);
        truth.put(RelayProcess.DEAD_NOW, stage.count("select count(*) from orders where status = 'dead'"));
        truth.put(RelayProcess.LEASE_HELD, 1L);
        return truth;
    }

    private Map<String, Long> told() throws IOException {
        Map<String, Long> told = new LinkedHashMap<>();
        for (VitalSigns relay : Ownership.relays(stage).values()) {
            add(told, relay, RelayProcess.PUBLISHED, RelayProcess.TIME_TO_PUBLISH, RelayProcess.LEASE_HELD);
            if (relay.is(RelayProcess.OWNS)) {
                add(told, relay, RelayProcess.PENDING, RelayProcess.DEAD_NOW);
            }
        }
        for (String role : stage.consumers.isEmpty() ? Testbed.RELAYS : stage.consumers) {
            add(
                    told,
                    VitalSigns.last(stage.setup.home(), stage.name(role)),
                    ConsumerProcess.HANDLED,
                    ConsumerProcess.HANDLED_METER,
                    ConsumerProcess.DUPLICATES,
                    ConsumerProcess.DUPLICATES_METER);
        }
        return told;
    }

    private static void add(Map<String, Long> told, VitalSigns signs, String... names) {
        for (String name : names) {
            told.merge(name, signs.get(name), Long::sum);
        }
    }

    static @Nullable String mismatch(Map<String, Long> truth, Map<String, Long> told) {
        for (Map.Entry<String, Long> each : truth.entrySet()) {
            Long says = told.get(each.getKey());
            if (!Objects.equals(says, each.getValue())) {
                return each.getKey() + " says " + says + ", but " + each.getValue() + " is correct";
            }
        }
        return null;
    }
}
