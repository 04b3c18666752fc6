package dev.posthaste.relay;

import dev.posthaste.jdbc.LeaseTable;
import dev.posthaste.jdbc.LeaseTable.Row;
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.JournalException;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes, renews and gives up the leases of a relay's outboxes. {@link #runOnce} is called by one thread at a time;
 * {@link #release} and {@link #lost} by the threads that work with the leases.
 */
final class Leases {
    private static final Logger log = LoggerFactory.getLogger(Leases.class);

    private final LeaseTable table;
    private final String relay;
    private final Duration ttl;
    private final LongSupplier clock;
    private final RelayListener listener;
    private final Map<String, Lease> leases = new LinkedHashMap<>();
    private final Map<String, Long> renewAt = new LinkedHashMap<>();
    private long nextLookAt;
    private long nextAnnouncementAt;
    private volatile boolean stopping;

    Leases(
            LeaseTable table,
            String relay,
            Collection<String> outboxes,
            Duration ttl,
            LongSupplier clock,
            RelayListener listener) {
        this.table = table;
        this.relay = relay;
        this.ttl = ttl;
        this.clock = clock;
        this.listener = listener;
        outboxes.forEach(outbox -> leases.put(outbox, new Lease(outbox, clock)));
        this.nextLookAt = clock.getAsLong();
        this.nextAnnouncementAt = nextLookAt;
    }

    Lease lease(String outbox) {
        Lease lease = leases.get(outbox);
        if (lease == null) {
            throw new IllegalArgumentException("Relay " + relay + " does not serve outbox " + outbox);
        }
        return lease;
    }

    Collection<Lease> all() {
        return leases.values();
    }

    /** Renews what is due, and now and then looks whether to take or give up something. Returns the nanoseconds to wait. */
    long runOnce() {
        for (Lease lease : leases.values()) {
            renewIfDue(lease);
        }
        if (!stopping && clock.getAsLong() - nextLookAt >= 0) {
            look();
        }
        return Math.min(ttl.toNanos() / 12, 250_000_000L);
    }

    private void renewIfDue(Lease lease) {
        Claim claim = lease.claim();
        long now = clock.getAsLong();
        if (claim == null || now - renewAt.getOrDefault(lease.outbox(), now) < 0) {
            return;
        }
        try {
            if (table.renew(claim, ttl)) {
                lease.held(claim, now, ttl);
                renewAt.put(lease.outbox(), now + ttl.toNanos() / 3);
            } else {
                lost(lease, claim);
            }
        } catch (JournalException e) {
            // The pump stops handing over by itself when the time runs out. Until another relay takes the outbox, the
            // lease can still be renewed.
            renewAt.put(lease.outbox(), now + ttl.toNanos() / 12);
            listener.databaseFailed(lease.outbox(), e);
        }
    }

    private void look() {
        long now = clock.getAsLong();
        try {
            if (now - nextAnnouncementAt >= 0) {
                table.announce(relay, leases.keySet(), ttl);
                table.forgetSilent();
                nextAnnouncementAt = now + ttl.toNanos() / 3;
            }
            List<Row> rows = table.leases();
            Balance balance = Balance.of(relay, leases.keySet(), rows, table.candidates());
            balance.take().forEach(outbox -> take(lease(outbox), rows));
            rows.stream().filter(Row::paused).forEach(this::giveUpPaused);
            String giveUp = balance.giveUp();
            if (giveUp != null) {
                log.info("Relay {} gives outbox {} up for a relay with fewer", relay, giveUp);
                lease(giveUp).giveUp();
            }
        } catch (JournalException e) {
            log.warn("Relay {} cannot look after its leases, and will go on trying: {}", relay, e.getMessage());
        }
        boolean allHeld = leases.values().stream().allMatch(lease -> lease.claim() != null);
        nextLookAt = clock.getAsLong() + (allHeld ? ttl.toNanos() / 3 : Math.min(ttl.toNanos() / 6, 1_000_000_000L));
    }

    private void giveUpPaused(Row row) {
        Lease lease = leases.get(row.outbox());
        if (lease != null && lease.claim() != null && !lease.givingUp()) {
            log.info("Relay {} gives outbox {} up: it is paused", relay, row.outbox());
            lease.giveUp();
        }
    }

    private void take(Lease lease, List<Row> rows) {
        if (lease.claim() != null) {
            return; // its own worker has yet to find out that it was lost
        }
        Row seen = rows.stream()
                .filter(row -> row.outbox().equals(lease.outbox()))
                .findFirst()
                .orElse(null);
        long asked = clock.getAsLong();
        Claim claim = table.take(lease.outbox(), relay, seen, ttl);
        if (claim != null) {
            renewAt.put(lease.outbox(), asked + ttl.toNanos() / 3);
            lease.held(claim, asked, ttl);
            listener.leaseTaken(lease.outbox(), claim.epoch());
        }
    }

    /** The claim turned out to be no longer good. */
    void lost(Lease lease, Claim claim) {
        if (claim.equals(lease.claim())) {
            lease.lost();
            listener.leaseLost(claim.outbox(), claim.epoch());
        }
    }

    /** Gives a lease back for others to take at once. */
    void release(Lease lease, Claim claim) {
        if (!claim.equals(lease.claim())) {
            return;
        }
        lease.lost();
        try {
            table.release(claim);
        } catch (JournalException e) {
            log.warn(
                    "Relay {} cannot give outbox {} back; it is free in {}: {}",
                    relay,
                    claim.outbox(),
                    ttl,
                    e.getMessage());
        }
        listener.leaseReleased(claim.outbox(), claim.epoch());
    }

    /** From now on nothing is taken; what is held is renewed until it is released. */
    void stopTaking() {
        stopping = true;
    }

    /** Says that this relay is gone. */
    void withdraw() {
        try {
            table.withdraw(relay);
        } catch (JournalException e) {
            log.debug("Relay {} cannot say that it is gone; others see it in {}", relay, ttl, e);
        }
    }
}
