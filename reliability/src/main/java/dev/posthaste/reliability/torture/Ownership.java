package dev.posthaste.reliability.torture;

import dev.posthaste.StoreException;
import dev.posthaste.internal.jdbc.LeaseTable;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Holds against each other who owns the outbox by the lease, who says so, and whose thread works on it. While nothing is done
 * to the stage they have to agree before long.
 */
final class Ownership {
    /**
     * A worker that gives no sign of life has its lease renewed for two lengths of it, then the lease runs out, and another
     * relay looks within a second. The rest is for a relay that begins on a machine that is never idle.
     */
    static final Duration AGREED = Setup.LEASE.multipliedBy(3).plusSeconds(51);

    private Ownership() {}

    /** @return null, or on what they still do not agree after {@link #AGREED} */
    static @Nullable String await(Testbed stage, LeaseTable leases) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + AGREED.toNanos();
        while (true) {
            String contradiction = look(stage, leases);
            if (contradiction == null || System.nanoTime() > deadline) {
                return contradiction;
            }
            Thread.sleep(100);
        }
    }

    private static @Nullable String look(Testbed stage, LeaseTable leases) throws IOException {
        Map<String, VitalSigns> relays = relays(stage);
        try {
            LeaseTable.Row lease = leases.leases().stream()
                    .filter(row -> row.outbox().equals(Setup.OUTBOX))
                    .findFirst()
                    .orElse(null);
            return contradiction(lease, relays);
        } catch (StoreException e) {
            return "the leases cannot be read: " + e.getMessage();
        }
    }

    /** The relays that run, by the names that leases show, and their last signs. */
    static Map<String, VitalSigns> relays(Testbed stage) throws IOException {
        Map<String, VitalSigns> relays = new LinkedHashMap<>();
        for (String role : Testbed.RELAYS) {
            String name = stage.name(role);
            relays.put(name, VitalSigns.last(stage.setup.home(), name));
        }
        return relays;
    }

    /**
     * @param lease as it is in its table; null if it is not there
     * @param relays those that run, by their names
     */
    static @Nullable String contradiction(LeaseTable.@Nullable Row lease, Map<String, VitalSigns> relays) {
        if (lease == null || lease.free()) {
            return "nobody owns the outbox";
        }
        VitalSigns owner = relays.get(lease.owner());
        if (owner == null) {
            return lease.owner() + " owns the outbox, and no such process runs";
        }
        for (Map.Entry<String, VitalSigns> relay : relays.entrySet()) {
            boolean owns = relay.getKey().equals(lease.owner());
            VitalSigns signs = relay.getValue();
            if (!signs.fresh()) {
                return relay.getKey() + " runs, and gives no sign of life";
            }
            if (!signs.is(RelayProcess.WORKS)) {
                return relay.getKey() + (owns ? ", which owns the outbox," : "")
                        + " has no thread any more that works on the outbox";
            }
            if (signs.is(RelayProcess.OWNS) != owns) {
                return relay.getKey() + " says that it " + (owns ? "does not work" : "works")
                        + " on the outbox, and by the lease " + lease.owner() + " does";
            }
            if (signs.is(RelayProcess.LEASE_HELD) != owns) {
                return relay.getKey() + "'s meter says that it " + (owns ? "has no" : "has the") + " lease, and "
                        + lease.owner() + " has it";
            }
        }
        return owner.get(RelayProcess.EPOCH) == lease.epoch()
                ? null
                : lease.owner() + "'s meter says epoch " + owner.get(RelayProcess.EPOCH) + ", and the lease's is "
                        + lease.epoch();
    }
}
