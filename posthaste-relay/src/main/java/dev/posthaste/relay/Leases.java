package dev.posthaste.relay;

import dev.posthaste.StoreException;
import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.internal.jdbc.LeaseTable.Candidate;
import dev.posthaste.internal.jdbc.LeaseTable.Renewal;
import dev.posthaste.internal.jdbc.LeaseTable.Row;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.text.DurationText;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes, renews and releases the leases of a relay's outboxes. {@link #runOnce} is called by one thread at a time;
 * {@link #release} and {@link #lost} by the threads that work with the leases.
 */
final class Leases {
    private static final Logger log = LoggerFactory.getLogger(Leases.class);

    /** After how many lengths of a lease without a change its owner counts as dead, whatever the clocks say. */
    private static final int STALE_LEASES = 4;

    private final LeaseTable table;
    private final Map<String, String> definitions;
    private final String relay;
    private final Duration ttl;
    private final LongSupplier clock;
    private final RelayListener listener;
    private final Map<String, Lease> leases = new LinkedHashMap<>();
    private final Map<String, Long> renewAt = new LinkedHashMap<>();
    private final Set<String> stuck = new HashSet<>();
    private final Map<String, Seen> seenLeases = new HashMap<>();
    private final Map<String, Seen> seenRelays = new HashMap<>();
    private long lastRunAt;
    private long nextLookAt;
    private long nextAnnouncementAt;
    private volatile boolean stopping;

    /** @param outboxes each with what it is to this relay */
    Leases(
            LeaseTable table,
            String relay,
            Map<String, String> outboxes,
            Duration ttl,
            LongSupplier clock,
            RelayListener listener) {
        this.table = table;
        this.relay = relay;
        this.ttl = ttl;
        this.clock = clock;
        this.listener = listener;
        this.definitions = outboxes;
        outboxes.keySet().forEach(outbox -> leases.put(outbox, new Lease(outbox, clock)));
        this.nextLookAt = clock.getAsLong();
        this.lastRunAt = nextLookAt;
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

    /** Renews what is due, and now and then looks whether to take or release something. Returns the nanoseconds to wait. */
    long runOnce() {
        long now = clock.getAsLong();
        if (now - lastRunAt > ttl.toNanos()) {
            leases.values().forEach(Lease::workedOn); // the whole process was paused, not those who work with them
        }
        lastRunAt = now;
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
        if (!lease.workedOnWithin(patience())) {
            renewAt.put(lease.outbox(), now + ttl.toNanos() / 12);
            warnOfStuck(lease);
            return;
        }
        stuck.remove(lease.outbox());
        try {
            Renewal renewal = table.renew(claim, ttl);
            if (renewal == Renewal.RENEWED) {
                lease.held(claim, now, ttl);
            } else if (renewal == Renewal.PAUSED) {
                releasePaused(lease);
            } else {
                lost(lease, claim);
            }
            renewAt.put(lease.outbox(), now + ttl.toNanos() / 3);
        } catch (StoreException e) {
            // The pump stops dispatching by itself when the time runs out. Until another relay takes the outbox, the
            // lease can still be renewed.
            renewAt.put(lease.outbox(), now + ttl.toNanos() / 12);
            listener.databaseFailed(lease.outbox(), e);
        }
    }

    /** How long a lease is renewed for a thread that gives no sign of life. */
    Duration patience() {
        return ttl.multipliedBy(2);
    }

    private void warnOfStuck(Lease lease) {
        if (stuck.add(lease.outbox())) {
            log.error(
                    "Outbox {}: the thread that works on it has been stuck for more than {}; relay {} no longer renews its"
                            + " lease, so that another relay can take over. Find what hangs in a thread dump",
                    lease.outbox(),
                    DurationText.of(patience()),
                    relay);
        }
    }

    private void look() {
        long now = clock.getAsLong();
        try {
            if (now - nextAnnouncementAt >= 0) {
                table.announce(relay, definitions, ttl);
                table.forgetSilent();
                nextAnnouncementAt = now + ttl.toNanos() / 3;
            }
            long asked = clock.getAsLong();
            List<Row> rows = table.leases();
            List<Candidate> relays = table.candidates();
            Set<Row> stale = stale(rows, row -> row.outbox() + " of " + row.owner(), Row::expiresAt, seenLeases, asked);
            Set<Candidate> silent = stale(
                    relays, each -> each.outbox() + " by " + each.relay(), Candidate::expiresAt, seenRelays, asked);
            Balance balance = Balance.of(
                    relay,
                    leases.keySet(),
                    rows.stream()
                            .map(row -> stale.contains(row) ? row.expired() : row)
                            .toList(),
                    relays.stream()
                            .filter(each -> each.live() && !silent.contains(each))
                            .toList());
            // Before any is taken: who owns an outbox may begin to delete at once.
            leases.values().forEach(lease -> compareDefinitions(lease, relays));
            balance.take().forEach(outbox -> take(lease(outbox), rows, stale));
            rows.stream()
                    .filter(row -> row.paused() && leases.containsKey(row.outbox()))
                    .forEach(row -> releasePaused(lease(row.outbox())));
            String release = balance.release();
            if (release != null) {
                log.info("Relay {} releases outbox {} for a relay with fewer", relay, release);
                lease(release).startRelease();
            }
        } catch (StoreException e) {
            log.warn("Relay {} cannot renew its leases and keeps trying: {}", relay, e.getMessage());
            nextLookAt = clock.getAsLong() + ttl.toNanos() / 12;
            return;
        }
        boolean allHeld = leases.values().stream().allMatch(lease -> lease.claim() != null);
        nextLookAt = clock.getAsLong() + (allHeld ? ttl.toNanos() / 3 : Math.min(ttl.toNanos() / 6, 1_000_000_000L));
    }

    private void releasePaused(Lease lease) {
        if (lease.claim() != null && !lease.isReleasing()) {
            log.info("Relay {} releases outbox {}: it is paused", relay, lease.outbox());
            lease.startRelease();
        }
    }

    /**
     * What has not changed for many times the length of a lease, though its owner would have renewed it: the database's
     * clock was set back after the owner died, so that by this clock it expires late. Relays that share outboxes have
     * leases of about the same length.
     *
     * @param asked before {@code all} were read; they count as seen only from now on, because this process may have been paused
     *     in between
     */
    private <T> Set<T> stale(
            List<T> all, Function<T, String> name, Function<T, String> content, Map<String, Seen> seen, long asked) {
        long now = clock.getAsLong();
        Set<T> stale = new HashSet<>();
        Set<String> there = new HashSet<>();
        for (T each : all) {
            there.add(name.apply(each));
            Seen known = seen.get(name.apply(each));
            if (known == null || !known.content().equals(content.apply(each))) {
                seen.put(name.apply(each), new Seen(content.apply(each), now));
            } else if (asked - known.since() > STALE_LEASES * ttl.toNanos()) {
                stale.add(each);
            }
        }
        seen.keySet().retainAll(there);
        return stale;
    }

    private record Seen(String content, long since) {}

    /** A relay with a different configuration of the outbox may need events that this one would delete. */
    private void compareDefinitions(Lease lease, List<Candidate> relays) {
        String mine = definitions.get(lease.outbox());
        String other = null;
        for (Candidate each : relays) {
            if (each.outbox().equals(lease.outbox())
                    && !String.valueOf(each.definition()).equals(mine)) {
                other = "relay " + each.relay() + " is configured with [" + each.definition() + "]";
            }
        }
        if (other != null && !other.equals(lease.dispute())) {
            log.warn(
                    "Outbox {}: this relay, {}, is configured with [{}], but {}. Retention deletes nothing from it until"
                            + " an hour after the last relay with a different configuration has stopped",
                    lease.outbox(),
                    relay,
                    mine,
                    other);
        }
        lease.dispute(other);
    }

    private void take(Lease lease, List<Row> rows, Set<Row> stale) {
        if (lease.claim() != null || lease.rests()) {
            return; // its own worker has yet to find out that it was lost, or it failed just now
        }
        Row seen = rows.stream()
                .filter(row -> row.outbox().equals(lease.outbox()))
                .findFirst()
                .orElse(null);
        long asked = clock.getAsLong();
        // Expired by the database's clock as well, it is taken only if it still is: its owner may just have come back.
        Claim claim = seen != null && seen.live() && stale.contains(seen)
                ? table.takeStale(lease.outbox(), relay, seen, ttl)
                : table.take(lease.outbox(), relay, seen, ttl);
        if (claim != null) {
            renewAt.put(lease.outbox(), asked + ttl.toNanos() / 3);
            lease.workedOn();
            lease.held(claim, asked, ttl);
            listener.leaseTaken(lease.outbox(), claim.epoch());
        }
    }

    /** The claim turned out to be no longer good. */
    void lost(Lease lease, Claim claim) {
        if (lease.holds(claim)) {
            lease.ended();
            listener.leaseLost(claim.outbox(), claim.epoch());
        }
    }

    /** Others can take the lease at once. */
    void release(Lease lease, Claim claim) {
        if (!lease.holds(claim)) {
            return;
        }
        lease.ended();
        try {
            table.release(claim);
        } catch (StoreException e) {
            log.warn(
                    "Relay {} cannot release outbox {}; it is free in {}: {}",
                    relay,
                    claim.outbox(),
                    DurationText.of(ttl),
                    e.getMessage());
        }
        listener.leaseReleased(claim.outbox(), claim.epoch());
    }

    /**
     * From now on nothing is taken, except by a look for leases that is under way; what is held is renewed until it is
     * released.
     */
    void stopTaking() {
        stopping = true;
    }

    /** Says that this relay is gone. */
    void withdraw() {
        try {
            table.withdraw(relay);
        } catch (StoreException e) {
            log.debug("Relay {} cannot say that it is gone; others see it in {}", relay, DurationText.of(ttl), e);
        }
    }
}
