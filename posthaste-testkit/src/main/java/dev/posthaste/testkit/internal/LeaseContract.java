package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.internal.jdbc.LeaseTable.Renewal;
import dev.posthaste.internal.store.Claim;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What every database must do for the leases that record which relay owns which outbox. */
public abstract class LeaseContract extends DatabaseContract {
    protected LeaseContract(DatabaseSource source) {
        super(source);
    }

    private LeaseTable leases() {
        return new LeaseTable(dataSource, dialect);
    }

    @Test
    void oneOfManyTakesAFreeLease() {
        LeaseTable leases = leases();
        Claim first = leases.take("orders", "a", null, Duration.ofMinutes(1));
        assertThat(first).isEqualTo(new Claim("orders", "a", 1));
        assertThat(leases.take("orders", "b", null, Duration.ofMinutes(1))).isNull();
        LeaseTable.Row row = leases.leases().get(0);
        assertThat(row).isEqualTo(new LeaseTable.Row("orders", "a", 1, true, false, row.expiresAt()));
        assertThat(leases.take("orders", "b", row, Duration.ofMinutes(1))).isNull();
    }

    @Test
    void anExpiredLeaseIsTakenWithTheNextEpochAndTheOldOwnerCannotRenew() throws Exception {
        LeaseTable leases = leases();
        Claim old = Objects.requireNonNull(leases.take("orders", "a", null, Duration.ofMillis(1)));
        until("the lease expires", () -> {}, () -> leases.leases().get(0).free());
        Claim taken = leases.take("orders", "b", leases.leases().get(0), Duration.ofMinutes(1));
        assertThat(taken).isEqualTo(new Claim("orders", "b", 2));
        assertThat(leases.renew(old, Duration.ofMinutes(1))).isEqualTo(Renewal.LOST);
        assertThat(leases.renew(Objects.requireNonNull(taken), Duration.ofMinutes(1)))
                .isEqualTo(Renewal.RENEWED);
        leases.release(old);
        assertThat(leases.leases().get(0).owner()).isEqualTo("b");
    }

    @Test
    void anExpiredLeaseThatNobodyTookCanStillBeRenewed() {
        LeaseTable leases = leases();
        Claim claim = Objects.requireNonNull(leases.take("orders", "a", null, Duration.ofMillis(1)));
        until("the lease expires", () -> {}, () -> leases.leases().get(0).free());
        assertThat(leases.renew(claim, Duration.ofMinutes(1))).isEqualTo(Renewal.RENEWED);
    }

    /** Its owner was suspended when the outbox was paused, and would continue for a while before it looked. */
    @Test
    void C17_anExpiredLeaseOfAPausedOutboxCannotBeRenewed() throws Exception {
        LeaseTable leases = leases();
        Claim expired = Objects.requireNonNull(leases.take("orders", "a", null, Duration.ofMillis(1)));
        until("the lease expires", () -> {}, () -> leases.leases().get(0).free());
        execute("update posthaste_lease set paused_by = 'me'");
        assertThat(leases.renew(expired, Duration.ofMinutes(1))).isEqualTo(Renewal.PAUSED);
        execute("update posthaste_lease set paused_by = null");
        assertThat(leases.renew(expired, Duration.ofMinutes(1))).isEqualTo(Renewal.RENEWED);
    }

    /** Its owner may be suspended at any moment, and would continue for a whole lease before it looked. */
    @Test
    void C29_theLeaseOfAPausedOutboxIsNotRenewed() throws Exception {
        LeaseTable leases = leases();
        Claim claim = Objects.requireNonNull(leases.take("orders", "a", null, Duration.ofMinutes(1)));
        execute("update posthaste_lease set paused_by = 'me'");
        LeaseTable.Row paused = leases.leases().get(0);
        assertThat(leases.renew(claim, Duration.ofMinutes(1))).isEqualTo(Renewal.PAUSED);
        assertThat(leases.leases().get(0).expiresAt()).isEqualTo(paused.expiresAt());
        execute("update posthaste_lease set paused_by = null");
        assertThat(leases.renew(claim, Duration.ofMinutes(1))).isEqualTo(Renewal.RENEWED);
    }

    @Test
    void aLeaseThatAnotherHasTakenIsLostAlsoWhileTheOutboxIsPaused() throws Exception {
        LeaseTable leases = leases();
        Claim old = Objects.requireNonNull(leases.take("orders", "a", null, Duration.ofMinutes(1)));
        leases.release(old);
        assertThat(leases.take("orders", "b", leases.leases().get(0), Duration.ofMinutes(1)))
                .isNotNull();
        execute("update posthaste_lease set paused_by = 'me'");
        assertThat(leases.renew(old, Duration.ofMinutes(1))).isEqualTo(Renewal.LOST);
        execute("delete from posthaste_lease");
        assertThat(leases.renew(old, Duration.ofMinutes(1))).isEqualTo(Renewal.LOST);
    }

    /** It was free when a relay looked, and was paused before the relay took it. */
    @Test
    void C17_theLeaseOfAPausedOutboxCannotBeTaken() throws Exception {
        LeaseTable leases = leases();
        leases.release(Objects.requireNonNull(leases.take("orders", "a", null, Duration.ofMinutes(1))));
        LeaseTable.Row free = leases.leases().get(0);
        execute("update posthaste_lease set paused_by = 'me'");
        assertThat(leases.take("orders", "b", free, Duration.ofMinutes(1))).isNull();
        assertThat(leases.takeStale("orders", "b", free, Duration.ofMinutes(1))).isNull();
        execute("update posthaste_lease set paused_by = null");
        assertThat(leases.take("orders", "b", free, Duration.ofMinutes(1))).isNotNull();
    }

    @Test
    void relaysThatFallSilentAreNoCandidatesAnyMore() {
        LeaseTable leases = leases();
        leases.announce("a", Map.of("orders", "old", "bills", "b"), Duration.ofMinutes(1));
        leases.announce("b", Map.of("orders", "new"), Duration.ofMillis(1));
        leases.announce("a", Map.of("orders", "new", "bills", "b"), Duration.ofMinutes(1));
        until("b is silent", () -> {}, () -> live(leases).equals(Set.of("a: b", "a: new")));
        leases.withdraw("a");
        assertThat(live(leases)).isEmpty();
        assertThat(leases.candidates())
                .as("what an outbox was to them stays known for a while")
                .hasSize(3);
    }

    private static Set<String> live(LeaseTable leases) {
        return leases.candidates().stream()
                .filter(LeaseTable.Candidate::live)
                .map(each -> each.relay() + ": " + each.definition())
                .collect(Collectors.toSet());
    }

    @Test
    void aReleasedLeaseIsTakenWithTheNextEpoch() throws Exception {
        LeaseTable leases = leases();
        Claim old = Objects.requireNonNull(leases.take("orders", "me", null, Duration.ofMinutes(1)));
        leases.release(old);
        LeaseTable.Row released = leases.leases().get(0);
        Claim taken = Objects.requireNonNull(leases.take("orders", "other", released, Duration.ofMinutes(1)));
        assertThat(taken.epoch()).isEqualTo(old.epoch() + 1);
    }
}
