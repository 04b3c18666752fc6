package dev.posthaste.reliability.simulation;

import dev.posthaste.reliability.simulation.World.Trait;
import java.util.Random;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** What everything in one run has in common: the clock, the database, the broker, the nemesis and the oracle. */
final class Surroundings {
    final Random random;
    final World world;
    final Configuration configuration;
    final Schedule schedule;
    final Oracle truth;
    final Database database;
    final SimulatedBroker broker;
    final Nemesis nemesis;
    private boolean calm;

    Surroundings(
            Random random,
            World world,
            Configuration configuration,
            Schedule schedule,
            Oracle truth,
            Database database,
            SimulatedBroker broker,
            Nemesis nemesis) {
        this.random = random;
        this.world = world;
        this.configuration = configuration;
        this.schedule = schedule;
        this.truth = truth;
        this.database = database;
        this.broker = broker;
        this.nemesis = nemesis;
    }

    /** Whether all faults have ended. */
    boolean calm() {
        return calm;
    }

    void heal() {
        calm = true;
        schedule.happened("all faults end");
        nemesis.heal();
        broker.heal();
    }

    DataSource dataSource(Node node) {
        boolean pooled =
                world.has(Trait.FAIL_OVERS) && (node.role == Node.Role.RELAY || node.role == Node.Role.CONSUMER);
        return Jdbc.dataSource(database, nemesis, node, pooled);
    }

    /** The outbox's owner according to what is committed; null before the first one. */
    @Nullable
    String owner() {
        return owner(database);
    }

    static @Nullable String owner(Database database) {
        Table.Row lease = database.table(Database.LEASES).rows.get(Database.OUTBOX + "\0");
        @Nullable Object[] row = lease == null ? null : lease.committed;
        return row == null ? null : (String) row[1];
    }
}
