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

/** What is measured while the stage is left alone after it has recovered: it works best then, and the most happens. */
final class Calm {
    /**
     * The longest from commit to effect, and from an operator's requeue until the event is published. For that a relay has to
     * see the row, which lies behind what it has read: its sweep rests for two seconds at most, or the look at dead events
     * for two after one of rest. What the writers are ahead goes first, and takes some seconds. Half of what recovery may
     * take, because most of it is for a machine that is never idle.
     */
    static final Duration MAX_DELAY = Duration.ofSeconds(30);

    /** One that is settled alone takes a look at the lease, its update and a commit, beside its share of a read. */
    private static final long STATEMENTS_AN_EVENT = 4;
    /** A poll each 5 ms, and a check of the gaps each 20 ms; that is 250. Three relays look after leases, with some a second. */
    private static final long STATEMENTS_A_SECOND = 400;

    /** A thousand rows take tens of milliseconds, and hundreds when the machine has a load of ten for each core. */
    private static final long MEAN_SETTLING_MILLIS = 1_000;
    /** A few may all have met a pause of the machine's. */
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

    /** @param violations takes in what took too long */
    Calm(Testbed stage, List<String> violations) {
        this.stage = stage;
        this.violations = violations;
    }

    /**
     * @param statements of all relays, in all calm phases, commits too
     * @param published events in them
     * @param millis how long they were together
     * @param handledMillis the longest from an event's commit until its effect was there
     * @param requeuedMillis the longest from a dead event's requeue until it was published
     * @param batches of verdicts that were settled in them
     * @param settlingMicros how long that took in all
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

        /** @return null, or how much longer it takes to settle a batch than for a statement that finds its rows by their ids */
        @Nullable
        String slowness() {
            return batches < BATCHES_THAT_TELL || settlingMillis() <= MEAN_SETTLING_MILLIS
                    ? null
                    : "each of " + batches + " batches took " + settlingMillis() + " ms, and " + MEAN_SETTLING_MILLIS
                            + " are enough";
        }

        /** @return null, or by how much the statements are more than a relay needs that reads and settles in batches */
        @Nullable
        String excess() {
            long bound = published * STATEMENTS_AN_EVENT + millis / 1000 * STATEMENTS_A_SECOND;
            return statements <= bound
                    ? null
                    : "in " + millis / 1000 + " s in which nothing was done, the relays took " + statements
                            + " statements to publish " + published + " events, and " + bound + " are enough";
        }
    }

    Figures figures() {
        return new Figures(statements, published, millis, worstHandled, worstRequeued, batches, settlingMicros);
    }

    /**
     * One phase; it lasts longer if what is measured takes longer.
     *
     * @param after what was done to the stage before
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
                return; // it is not calm
            }
            long start = System.nanoTime();
            Map<String, VitalSigns> before = Ownership.relays(stage);
            String dead = Probe.writeDead(stage, "put-back-" + probes++, 1, MAX_DELAY) + "-0";
            measureHandling(after); // of a later event: what was dead before is behind what the relay has read
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
                    "calm: after " + after + " the stage had recovered, and the next event was not handled within "
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
            violations.add("requeue: after " + after + ", row " + row + " was put back and not published within "
                    + MAX_DELAY.toSeconds() + " s");
        }
    }

    /** The same change again if it fails: it is made once. */
    private static void requeue(OutboxAdmin admin, long row, long until) throws InterruptedException {
        Change change = Change.by("the campaign", "to measure how long it takes");
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
