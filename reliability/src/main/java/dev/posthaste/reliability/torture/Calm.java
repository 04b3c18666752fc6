package dev.posthaste.reliability.torture;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.StoreException;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.OutboxAdmin;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.LeaseTable;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is measured while no faults happen, after the testbed has recovered: then it works at its best, and the most
 * happens.
 */
final class Calm {
    /**
     * The longest from commit to effect, and from an operator's requeue until the event is published. For the latter, a
     * relay has to notice a row behind its reading position: its sweep rests for two seconds at most, or its check of
     * dead events for two more. The writers' lead comes first, and takes some seconds. Half of what recovery may take,
     * most of which allows for a machine that is never idle.
     */
    static final Duration MAX_DELAY = Duration.ofSeconds(30);

    /** An event settled alone takes a check of the lease, its update and a commit, besides its share of a read. */
    private static final long STATEMENTS_AN_EVENT = 4;
    /**
     * A poll every 5 ms and a check of the gaps every 20 ms: 250. Three relays keep their leases, at a few per second.
     */
    private static final long STATEMENTS_A_SECOND = 400;

    /** A thousand rows take tens of milliseconds, or hundreds on a machine with a load of ten per core. */
    private static final long MEAN_SETTLING_MILLIS = 1_000;
    /** Fewer batches may all have hit a pause of the machine. */
    private static final long BATCHES_THAT_TELL = 10;

    private final Testbed stage;
    private final List<String> violations;
    private int probes;
    private long statements;
    private long published;
    private long millis;
    private long worstHandled;
    private long worstRequeued;
    private long batches;
    private long settlingMicros;

    /** @param violations receives what took too long */
    Calm(Testbed stage, List<String> violations) {
        this.stage = stage;
        this.violations = violations;
    }

    /**
     * @param statements of all relays, in all calm phases, including commits
     * @param published the number of events published in them
     * @param millis their total length
     * @param handledMillis the longest from an event's commit until its effect was visible
     * @param requeuedMillis the longest from a dead event's requeue until it was published
     * @param batches of verdicts settled in them
     * @param settlingMicros how long that took in total
     */
    record Figures(
            long statements,
            long published,
            long millis,
            long handledMillis,
            long requeuedMillis,
            long batches,
            long settlingMicros) {
        static final Figures NONE = new Figures(0, 0, 0, 0, 0, 0, 0);

        Figures and(Figures other) {
            return new Figures(
                    statements + other.statements,
                    published + other.published,
                    millis + other.millis,
                    Math.max(handledMillis, other.handledMillis),
                    Math.max(requeuedMillis, other.requeuedMillis),
                    batches + other.batches,
                    settlingMicros + other.settlingMicros);
        }

        long settlingMillis() {
            return batches == 0 ? 0 : settlingMicros / batches / 1_000;
        }

        /**
         * @return null, or by how much settling a batch takes longer than a statement that finds its rows by their ids
         */
        @Nullable
        String slowness() {
            return batches < BATCHES_THAT_TELL || settlingMillis() <= MEAN_SETTLING_MILLIS
                    ? null
                    : "each of " + batches + " batches took " + settlingMillis() + " ms, but " + MEAN_SETTLING_MILLIS
                            + " are enough";
        }

        /** @return null, or by how much the statements exceed those of a relay that reads and settles in batches */
        @Nullable
        String excess() {
            long bound = published * STATEMENTS_AN_EVENT + millis / 1000 * STATEMENTS_A_SECOND;
            return statements <= bound
                    ? null
                    : "in " + millis / 1000 + " s without faults, the relays took " + statements
                            + " statements to publish " + published + " events, but " + bound + " are enough";
        }
    }

    Figures figures() {
        return new Figures(statements, published, millis, worstHandled, worstRequeued, batches, settlingMicros);
    }

    /**
     * Runs one phase; it lasts longer if a measurement does.
     *
     * @param after the faults before it
     */
    void phase(Duration time, String after) throws Exception {
        long end = System.nanoTime() + time.toNanos();
        try (HikariDataSource pool = stage.setup.pool(2)) {
            Dialect dialect = dialect(pool);
            String contradiction = Ownership.await(stage, new LeaseTable(pool, dialect));
            if (contradiction != null) {
                violations.add("leases: " + Ownership.AGREED.toSeconds() + " s after " + after + ", " + contradiction);
            }
            if (!violations.isEmpty()) {
                return; // there is nothing to measure after a violation
            }
            long start = System.nanoTime();
            Map<String, VitalSigns> before = Ownership.relays(stage);
            String dead = Probe.writeDead(stage, "put-back-" + probes++, 1, MAX_DELAY) + "-0";
            // First a later event: then the dead one is behind the relay's reading position.
            measureHandling(after);
            measureRequeue(Admin.of(pool, stage.setup.catalog()).outbox(Setup.OUTBOX), dead, after);
            Thread.sleep(Math.max(0, (end - System.nanoTime()) / 1_000_000));
            count(before, Ownership.relays(stage));
            millis += (System.nanoTime() - start) / 1_000_000;
        }
    }

    private static Dialect dialect(HikariDataSource pool) throws SQLException {
        try (Connection connection = pool.getConnection()) {
            return Dialect.of(connection);
        }
    }

    private void measureHandling(String after) throws Exception {
        String probe = "calm-" + probes++;
        long start = System.nanoTime();
        Probe.write(stage, probe, 1, MAX_DELAY);
        long took = await(start, "select count(*) from effects where event_id = '" + probe + "-0'");
        worstHandled = Math.max(worstHandled, took);
        if (took >= MAX_DELAY.toMillis()) {
            violations.add(
                    "calm: after " + after + " the testbed had recovered, but the next event was not handled within "
                            + MAX_DELAY.toSeconds() + " s");
        }
    }

    private void measureRequeue(OutboxAdmin admin, String dead, String after) throws Exception {
        String its = " where event_id = '" + dead + "'";
        long row = stage.count("select id from orders" + its);
        long start = System.nanoTime();
        requeue(admin, row, start + MAX_DELAY.toNanos());
        long took = await(start, "select 1 - count(*) from orders" + its + " and status in ('dead', 'pending')");
        worstRequeued = Math.max(worstRequeued, took);
        if (took >= MAX_DELAY.toMillis()) {
            violations.add("requeue: after " + after + ", row " + row + " was requeued, but not published within "
                    + MAX_DELAY.toSeconds() + " s");
        }
    }

    /** Repeats the same change if it fails: it takes effect once. */
    private static void requeue(OutboxAdmin admin, long row, long until) throws InterruptedException {
        Change change = Change.by("the campaign", "to measure how long a requeue takes");
        while (true) {
            try {
                admin.requeue(EventFilter.positions(row), change);
                return;
            } catch (StoreException e) {
                if (System.nanoTime() > until) {
                    throw e;
                }
                Thread.sleep(50);
            }
        }
    }

    /** @return the milliseconds until a count is 1, or {@link #MAX_DELAY} */
    private long await(long start, String count) throws SQLException, InterruptedException {
        while (stage.count(count) != 1) {
            if (System.nanoTime() - start > MAX_DELAY.toNanos()) {
                return MAX_DELAY.toMillis();
            }
            Thread.sleep(10);
        }
        return (System.nanoTime() - start) / 1_000_000;
    }

    private void count(Map<String, VitalSigns> before, Map<String, VitalSigns> after) {
        after.forEach((relay, signs) -> {
            VitalSigns earlier = before.get(relay);
            if (earlier != null) {
                statements += signs.get(RelayProcess.STATEMENTS) - earlier.get(RelayProcess.STATEMENTS);
                published += signs.get(RelayProcess.PUBLISHED) - earlier.get(RelayProcess.PUBLISHED);
                batches += signs.get(RelayHistory.BATCHES) - earlier.get(RelayHistory.BATCHES);
                settlingMicros += signs.get(RelayHistory.SETTLING_MICROS) - earlier.get(RelayHistory.SETTLING_MICROS);
            }
        });
    }
}
