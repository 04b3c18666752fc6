package dev.posthaste.reliability.torture;

import java.io.PrintStream;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Runs one pair of database and broker for a while: single and overlapping faults, recovery after each, and the checks.
 */
final class Campaign {
    /** A tenth of all events have the same key and go one after another; a drain without progress ends sooner. */
    private static final Duration DRAIN = Duration.ofMinutes(20);
    /** The longest that a server needs to restart. */
    private static final Duration START = Duration.ofMinutes(3);
    /** A lease, two polls, and the longest backoff after faults this short, on a machine that is never idle. */
    private static final Duration RECOVERY = Duration.ofSeconds(60);

    /** The longest calm phase after the testbed has recovered: then it works at its best, and the most happens. */
    private static final Duration CALM = Duration.ofSeconds(3);

    private final Testbed stage;
    private final Nemesis nemesis;
    private final Random random;
    private final PrintStream out;
    private final Topic topic = new Topic();
    private final Calm calm;
    private final Duplicates duplicates;
    private final String pair;
    private final Map<String, List<Long>> recoveries = new TreeMap<>();
    private final Set<String> kinds = new HashSet<>();
    private final List<String> violations = new ArrayList<>();
    private final long started = System.nanoTime();
    private int faults;
    private int probes;
    private long idleStatements;

    Campaign(String pair, Testbed stage, Random random, Kinds kinds, PrintStream out) {
        this.pair = pair;
        this.stage = stage;
        this.nemesis = new Nemesis(stage, topic, random, kinds);
        this.calm = new Calm(stage, violations);
        this.duplicates = new Duplicates(stage);
        this.random = random;
        this.out = out;
    }

    /**
     * @param kinds of faults that happened, alone or with others
     * @param recoveries for each kind of fault that happened alone, and for several together, the milliseconds until an
     *     event committed after it was handled
     * @param found what histories and tables contain in the end
     * @param figures what was measured during the campaign
     */
    record Result(
            int faults,
            Set<String> kinds,
            Map<String, List<Long>> recoveries,
            Checks.Found found,
            Figures figures,
            List<String> violations) {}

    Result run(Duration time) throws Exception {
        nemesis.unknownKinds().forEach(kind -> out.println(pair + " has no fault '" + kind + "'"));
        stage.startAll();
        awaitHandled("the start");
        settle("the start", 1); // consumers that join one after another take partitions from each other
        long end = System.nanoTime() + time.toNanos();
        while (System.nanoTime() < end && violations.isEmpty()) {
            int before = faults;
            String done = strike();
            settle(done, faults - before);
        }
        drain();
        if (violations.isEmpty()) {
            lookAtTheEnd();
        }
        Checks.Found found = new Checks(stage, topic, violations).run();
        require("duplicates", "in all", duplicates.inAll(found.wireDuplicates()));
        Figures figures = Figures.of(stage, calm.figures(), duplicates.most(), idleStatements, violations);
        return new Result(faults, kinds, recoveries, found, figures, violations);
    }

    /** @param wrong what is wrong, or null */
    private void require(String checker, String when, @Nullable String wrong) {
        if (wrong != null) {
            violations.add(checker + ": " + when + ", " + wrong);
        }
    }

    /** Measures a calm phase. */
    private void settle(String after, int faultsBefore) throws Exception {
        calm.phase(Duration.ofMillis(random.nextLong(CALM.toMillis())), after);
        require("duplicates", "after " + after, duplicates.after(faultsBefore, after.equals(Nemesis.SLOW_CONFIRMS)));
    }

    /** After everything is drained, and only then. */
    private void lookAtTheEnd() throws Exception {
        LastEvents last = new LastEvents(stage);
        require("metrics", "at the end", last.check());
        idleStatements = last.idleStatements();
        require("statements", "at the end", LastEvents.excess(idleStatements));
        require("console", "at the end", new Console(stage).check());
    }

    // --- Faults ------------------------------------------------------------------------------------------------------

    /** Causes one fault, or some that overlap; then the testbed must recover. Returns the faults. */
    private String strike() throws Exception {
        List<Fault> drawn = nemesis.draw(random.nextInt(3) == 0 ? 2 + random.nextInt(2) : 1);
        if (drawn.isEmpty()) {
            Thread.sleep(CALM.toMillis());
            return "nothing";
        }
        List<Fault> begun = begin(drawn);
        end(begun);
        List<String> done = begun.stream().map(Fault::kind).toList();
        String all = String.join(" and ", done);
        long recovered = awaitHandled(all);
        out.printf(
                "%s %5d s %5d faults %7d events; recovered after %6d ms: %s%n",
                pair,
                (System.nanoTime() - started) / 1_000_000_000L,
                faults,
                stage.count("select coalesce(max(id), 0) from effects"),
                recovered,
                String.join(" + ", done));
        String kind = done.size() == 1 ? done.get(0) : "several at once";
        recoveries.computeIfAbsent(kind, each -> new ArrayList<>()).add(recovered);
        for (String fallen : stage.fallen()) {
            violations.add("progress: " + fallen + " ended by itself after " + done);
        }
        return all;
    }

    /** Skips a fault that needs a server that another fault has just taken away. */
    private List<Fault> begin(List<Fault> drawn) throws InterruptedException {
        List<Fault> begun = new ArrayList<>();
        for (Fault fault : drawn) {
            try {
                fault.begin().run();
                begun.add(fault);
                kinds.add(fault.kind());
                faults++;
            } catch (InterruptedException e) {
                throw e;
            } catch (Exception e) {
                if (begun.isEmpty()) {
                    throw new IllegalStateException("Cannot cause '" + fault.kind() + "'", e);
                }
                out.println(pair + " skipped, since other faults prevent it: " + fault.kind() + " (" + e.getMessage()
                        + ")");
            }
            Thread.sleep(random.nextInt(300));
        }
        return begun;
    }

    /** A fault that needs a server that is still away is ended when the server is back. */
    private void end(List<Fault> begun) throws InterruptedException {
        List<Fault> open = new ArrayList<>(begun);
        for (Fault fault : begun) {
            long least = fault.least().toMillis();
            Thread.sleep(least + random.nextLong(fault.most().toMillis() - least + 1));
        }
        long deadline = System.nanoTime() + START.toNanos();
        while (!open.isEmpty()) {
            for (Fault fault : List.copyOf(open)) {
                try {
                    fault.end().run();
                    open.remove(fault);
                } catch (InterruptedException e) {
                    throw e;
                } catch (Exception e) {
                    if (System.nanoTime() > deadline) {
                        throw fault.kind().equals(Nemesis.FULL_DISK)
                                ? new LostServerException(fault.kind(), e)
                                : new IllegalStateException("Cannot end '" + fault.kind() + "'", e);
                    }
                    Thread.sleep(200);
                }
            }
        }
    }

    /** Commits an event and waits for its effect, bypassing the proxies. */
    private long awaitHandled(String after) throws Exception {
        long start = System.nanoTime();
        String probe = "probe-" + probes++;
        Probe.write(stage, probe, 1, RECOVERY);
        while (stage.count("select count(*) from effects where event_id = '" + probe + "-0'") == 0) {
            if (System.nanoTime() - start > RECOVERY.toNanos()) {
                violations.add("recovery: " + RECOVERY.toSeconds() + " s after " + after
                        + ", an event committed since then was not handled; pending: "
                        + stage.count("select count(*) from orders where status = 'pending'"));
                break;
            }
            Thread.sleep(20);
        }
        return (System.nanoTime() - start) / 1_000_000;
    }

    /** Ends the writers, and waits until everything that they wrote is handled. */
    private void drain() throws Exception {
        nemesis.endLasting();
        stage.end(Testbed.WRITER, true);
        if (stage.settled > 0) {
            try (Connection connection = stage.connect()) {
                SettledRows.endWaiting(connection, stage.setup.wire());
            }
        }
        try {
            stage.awaitDrained(DRAIN);
        } catch (TimeoutException e) {
            violations.add("recovery: after the last fault, " + e.getMessage());
        }
    }
}
