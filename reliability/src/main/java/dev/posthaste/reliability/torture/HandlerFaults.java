package dev.posthaste.reliability.torture;

import dev.posthaste.reliability.torture.Mood.Kind;
import dev.posthaste.servers.Processes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Faults in handlers and listeners. */
final class HandlerFaults {
    private static final Duration MOOD = Duration.ofSeconds(3);
    /** Handlers always have work once the testbed has recovered; within this time one of them has read its mood. */
    private static final Duration STOPS_WITHIN = Duration.ofSeconds(15);

    private final Path home;
    private final boolean onServer;
    private long stops;

    HandlerFaults(Testbed stage) {
        this.home = stage.setup.home();
        this.onServer = stage.database != null;
    }

    void add(List<Fault> faults) {
        faults.add(mood("handlers fail", Kind.FAILING, 0.5));
        faults.add(mood("handlers throw errors", Kind.ERRING, 0.3));
        faults.add(mood("handlers dawdle", Kind.SLOW, 200));
        faults.add(mood("listeners throw", Kind.LISTENERS, 0.3));
        if (onServer) { // a file has one writer at a time, and no deadlocks
            faults.add(mood("handlers swallow deadlocks", Kind.SWALLOWING, 0.2));
        }
        Mood stopping = new Mood(Kind.STOPPING, stops);
        faults.add(new Fault(
                "consumer stopped inside its transaction",
                "mood",
                Setup.LEASE.multipliedBy(3),
                () -> stop(stopping),
                () -> carryOn(stopping)));
    }

    private Fault mood(String kind, Kind mood, double strength) {
        return new Fault(kind, "mood", MOOD, () -> new Mood(mood, strength).write(home), () -> Mood.CALM.write(home));
    }

    private void stop(Mood stopping) throws Exception {
        stops++;
        stopping.write(home);
        try {
            long deadline = System.nanoTime() + STOPS_WITHIN.toNanos();
            while (!isWritten(stopping.stopped(home))) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("no handler ran for " + STOPS_WITHIN.toSeconds() + " s");
                }
                Thread.sleep(20);
            }
        } finally {
            Mood.CALM.write(home);
        }
    }

    private static boolean isWritten(Path file) throws Exception {
        return Files.exists(file) && Files.size(file) > 0;
    }

    /** Resumes the process, which may have been killed meanwhile. */
    private void carryOn(Mood stopping) throws Exception {
        long pid = Long.parseLong(Files.readString(stopping.stopped(home)).trim());
        if (ProcessHandle.of(pid).isPresent()) {
            Processes.signal("CONT", pid);
        }
    }
}
