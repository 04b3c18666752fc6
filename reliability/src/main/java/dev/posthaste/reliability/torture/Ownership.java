package dev.posthaste.reliability.torture;

import dev.posthaste.StoreException;
import dev.posthaste.internal.jdbc.LeaseTable;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Compares the outbox's owner according to the lease with the relays that claim to own it and the threads that work on
 * it. Without faults they must soon agree.
 */
final class Ownership {
    /**
     * A worker without a sign of life has its lease renewed for twice its length; then the lease expires, and another
     * relay checks within a second. The rest allows for a relay that starts on a machine that is never idle.
     */
    static final Duration AGREED = Setup.LEASE.multipliedBy(3).plusSeconds(51);

    private Ownership() {}

    /** @return null, or what they still disagree on after {@link #AGREED} */
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

    /** The running relays, by the names that leases show, and their last signs. */
    static Map<String, VitalSigns> relays(Testbed stage) throws IOException {
        Map<String, VitalSigns> relays = new LinkedHashMap<>();
        for (String role : Testbed.RELAYS) {
            String name = stage.name(role);
            relays.put(name, VitalSigns.last(stage.setup.home(), name));
        }
        return relays;
    }

    /**
     * @param lease as stored in its table; null if there is none
     * @param relays the running ones, by their names
     */
    static @Nullable String contradiction(LeaseTable.@Nullable Row lease, Map<String, VitalSigns> relays) {
        if (lease == null || lease.free()) {
            return "no relay owns the outbox";
        }
        VitalSigns owner = relays.get(lease.owner());
        if (owner == null) {
            return lease.owner() + " owns the outbox, but no such process is running";
        }
        for (Map.Entry<String, VitalSigns> relay : relays.entrySet()) {
            boolean owns = relay.getKey().equals(lease.owner());
            VitalSigns signs = relay.getValue();
            if (!signs.fresh()) {
                return relay.getKey() + " is running, but gives no sign of life";
            }
            if (!signs.is(RelayProcess.WORKS)) {
                return relay.getKey() + (owns ? ", which owns the outbox," : "")
                        + " no longer has a thread that works on the outbox";
            }
            if (signs.is(RelayProcess.OWNS) != owns) {
                return relay.getKey() + " says that it " + (owns ? "does not work" : "works")
                        + " on the outbox, but according to the lease " + lease.owner() + " does";
            }
            if (signs.is(RelayProcess.LEASE_HELD) != owns) {
                return relay.getKey() + "'s meter says that it " + (owns ? "does not have" : "has") + " the lease, but "
                        + lease.owner() + " has it";
            }
        }
        return owner.get(RelayProcess.EPOCH) == lease.epoch()
                ? null
                : lease.owner() + "'s meter says epoch " + owner.get(RelayProcess.EPOCH) + ", but the lease's is "
                        + lease.epoch();
    }
}
