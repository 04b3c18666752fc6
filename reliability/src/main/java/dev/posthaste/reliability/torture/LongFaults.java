package dev.posthaste.reliability.torture;

import dev.posthaste.servers.Database;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Faults that last for minutes: only for long campaigns, or for those that request them by name. */
final class LongFaults {
    private static final String IDLE = "transaction idle for ten minutes";
    private static final String READ_ONLY = "consumers' database read-only for two minutes";
    static final Set<String> ALL = Set.of(IDLE, READ_ONLY);

    private static final Duration IDLE_TIME = Duration.ofMinutes(10);
    private static final Duration READ_ONLY_TIME = Duration.ofMinutes(2);

    /** Faults that would end an idle transaction, or wait for its end. */
    private static final Set<String> NOT_WHILE_IDLE = Set.of(
            IDLE,
            READ_ONLY,
            "database read-only",
            "database killed",
            "database restarted",
            "connections to the database ended by the kernel",
            "ids in steps of seven");

    /** Above those of all transactions that stay open for a shorter time. */
    private static final int FIRST_WRITE = 50_000;

    private final Testbed stage;
    private final DatabaseFaults inDatabase;
    private @Nullable LastingWrite idle;
    private long idleUntil;
    private int writes = FIRST_WRITE;

    LongFaults(Testbed stage, DatabaseFaults inDatabase) {
        this.stage = stage;
        this.inDatabase = inDatabase;
    }

    void add(List<Fault> faults) {
        if (stage.database == null) {
            return; // a file has one writer at a time, and would be locked the whole time
        }
        faults.add(Fault.atOnce(IDLE, "idle transaction", this::leaveIdle));
        if (stage.kind != Database.MARIADB) { // whose read-only switch applies to writers and relays too
            faults.add(new Fault(
                    READ_ONLY,
                    "database",
                    READ_ONLY_TIME,
                    READ_ONLY_TIME,
                    () -> readOnlyForConsumers(true),
                    () -> readOnlyForConsumers(false)));
        }
    }

    /** Whether this kind of fault is possible now. */
    boolean allow(String kind) {
        return idle == null || !NOT_WHILE_IDLE.contains(kind);
    }

    /** An event with an early id that stays uncommitted for long, while other faults happen. */
    private void leaveIdle() throws Exception {
        idle = LastingWrite.begin(stage, ++writes);
        idleUntil = System.nanoTime() + IDLE_TIME.toNanos();
    }

    /** Commits the idle transaction if its time is up. */
    void endWhatIsDue() throws Exception {
        if (idle != null && System.nanoTime() - idleUntil > 0) {
            endIdle();
        }
    }

    void endIdle() throws Exception {
        LastingWrite open = idle;
        idle = null;
        if (open != null) {
            open.end(true);
        }
    }

    /** Relays and writers continue, so the broker fills with messages that no consumer can handle. */
    private void readOnlyForConsumers(boolean on) throws Exception {
        if (stage.kind == Database.POSTGRESQL) {
            String who = Testbed.CONSUMERS_USER;
            inDatabase.execute("alter role " + who
                    + (on ? " set default_transaction_read_only = on" : " reset default_transaction_read_only"));
            inDatabase.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = '" + who + "'");
        } else {
            inDatabase.refuseChanges(
                    "set global read_only = " + (on ? 1 : 0)); // root, which writers and relays use, is exempt
        }
    }
}
