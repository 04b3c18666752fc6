package dev.posthaste.reliability.torture;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.servers.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Faults that others cause inside the database, while its server works. */
final class DatabaseFaults {
    private static final Duration LOCKED = Duration.ofSeconds(6);
    private static final Duration READ_ONLY = Duration.ofSeconds(20);
    private static final String OPEN = "open transaction";
    private static final String ROWS = "rows of the outbox locked by somebody else";

    private final Testbed stage;
    private final Random random;
    private @Nullable OpenTransaction locks;
    private @Nullable LastingWrite lasting;
    private int writes;

    DatabaseFaults(Testbed stage, Random random) {
        this.stage = stage;
        this.random = random;
    }

    void add(List<Fault> faults) {
        faults.add(Fault.atOnce("lease row deleted", "lease", () -> execute("delete from posthaste_lease")));
        faults.add(Fault.atOnce("dead rows put back", "dead", this::requeue));
        if (stage.database == null) {
            faults.add(locking("file locked by somebody else", "locks"));
            return;
        }
        faults.add(locking(ROWS, "locks", "select id from orders order by id desc limit 300 for update skip locked"));
        faults.add(locking("lease row locked by somebody else", "locks", "select * from posthaste_lease for update"));
        faults.add(Fault.atOnce("transaction left open", OPEN, this::leaveOpen));
        faults.add(new Fault("database read-only", "database", READ_ONLY, () -> readOnly(true), () -> readOnly(false)));
        steppingIds(faults);
    }

    private Fault locking(String kind, String of, String... statements) {
        return new Fault(
                kind,
                of,
                LOCKED,
                () -> locks = OpenTransaction.begin(stage, statements),
                () -> Objects.requireNonNull(locks).end());
    }

    /** Ids with gaps that will never be filled: of all writers, or of one of several. */
    private void steppingIds(List<Fault> faults) {
        if (stage.kind == Database.POSTGRESQL) {
            faults.add(new Fault(
                    "ids in steps of seven",
                    OPEN,
                    Duration.ofSeconds(4),
                    this::stepBySeven,
                    () -> execute("alter sequence orders_id_seq increment by 1")));
        } else {
            faults.add(new Fault(
                    "a second writer with ids in steps of seven",
                    "second writer",
                    Duration.ofSeconds(4),
                    () -> stage.start(Testbed.STEPPING_WRITER),
                    () -> stage.dismiss(Testbed.STEPPING_WRITER)));
        }
    }

    /** PostgreSQL changes a sequence only when no open transaction has taken a number from it. */
    private void stepBySeven() throws Exception {
        endLasting();
        execute("alter sequence orders_id_seq increment by 7");
    }

    /**
     * Like the old primary in a planned fail-over: connections stay open, and every transaction that begins from now on
     * is refused its first change.
     */
    private void readOnly(boolean on) throws Exception {
        switch (stage.kind) {
            case POSTGRESQL -> {
                execute("alter system "
                        + (on ? "set default_transaction_read_only = on" : "reset default_transaction_read_only"));
                execute("select pg_reload_conf()");
            }
            case MYSQL -> refuseChanges(on ? "set global super_read_only = 1" : "set global read_only = 0");
            default -> refuseChanges("set global read_only = " + (on ? 1 : 0));
        }
    }

    /**
     * The statement waits for transactions that have changed something, and transactions that have only locked rows
     * wait for it: if the former wait for such a row, none of the three makes progress. So it waits only briefly, and
     * tries again.
     */
    void refuseChanges(String sql) throws Exception {
        endLasting();
        for (int tries = 1; ; tries++) {
            try {
                execute(sql, 1);
                return;
            } catch (SQLTimeoutException e) {
                if (tries == 20) {
                    throw e;
                }
                Thread.sleep(200);
            }
        }
    }

    /** An event with an early id that stays uncommitted for long. The one that was open ends, and another begins. */
    private void leaveOpen() throws Exception {
        endLasting();
        lasting = LastingWrite.begin(stage, ++writes);
    }

    /** Ends the open transaction. */
    void endLasting() throws Exception {
        LastingWrite open = lasting;
        lasting = null;
        if (open != null) {
            open.end(random.nextBoolean());
        }
    }

    private void requeue() throws Exception {
        try (HikariDataSource pool = stage.setup.pool(2);
                Connection connection = pool.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select id from orders where status = 'dead'")) {
            List<Long> dead = new ArrayList<>();
            while (rows.next()) {
                dead.add(rows.getLong(1));
            }
            new RowStore(pool, Dialect.of(connection), stage.setup.catalog().outbox("orders")).requeue(dead);
        }
    }

    void execute(String sql) throws SQLException {
        execute(sql, 10);
    }

    private void execute(String sql, int seconds) throws SQLException {
        try (Connection connection = stage.connect();
                Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(seconds);
            statement.execute(sql);
        }
    }
}
