package dev.posthaste.relay;

import dev.posthaste.broker.Outcome;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.Verdict;
import java.time.Duration;
import java.util.List;

/** Two listeners as one. */
record RelayListeners(RelayListener first, RelayListener second) implements RelayListener {
    @Override
    public void leaseTaken(String outbox, long epoch) {
        first.leaseTaken(outbox, epoch);
        second.leaseTaken(outbox, epoch);
    }

    @Override
    public void leaseLost(String outbox, long epoch) {
        first.leaseLost(outbox, epoch);
        second.leaseLost(outbox, epoch);
    }

    @Override
    public void leaseReleased(String outbox, long epoch) {
        first.leaseReleased(outbox, epoch);
        second.leaseReleased(outbox, epoch);
    }

    @Override
    public void fetched(String outbox, int events, long nanos) {
        first.fetched(outbox, events, nanos);
        second.fetched(outbox, events, nanos);
    }

    @Override
    public void answered(String outbox, PendingEvent event, Outcome outcome, long nanos) {
        first.answered(outbox, event, outcome, nanos);
        second.answered(outbox, event, outcome, nanos);
    }

    @Override
    public void settled(String outbox, List<Verdict> verdicts, int written, long nanos) {
        first.settled(outbox, verdicts, written, nanos);
        second.settled(outbox, verdicts, written, nanos);
    }

    @Override
    public void brokerUnavailable(String outbox, String reason) {
        first.brokerUnavailable(outbox, reason);
        second.brokerUnavailable(outbox, reason);
    }

    @Override
    public void brokerAvailable(String outbox) {
        first.brokerAvailable(outbox);
        second.brokerAvailable(outbox);
    }

    @Override
    public void databaseFailed(String outbox, RuntimeException cause) {
        first.databaseFailed(outbox, cause);
        second.databaseFailed(outbox, cause);
    }

    @Override
    public void backlog(String outbox, Journal.Backlog backlog, int blockedKeys) {
        first.backlog(outbox, backlog, blockedKeys);
        second.backlog(outbox, backlog, blockedKeys);
    }

    @Override
    public void unconsumed(String outbox, Journal.Unconsumed unconsumed, Duration limit) {
        first.unconsumed(outbox, unconsumed, limit);
        second.unconsumed(outbox, unconsumed, limit);
    }

    @Override
    public void purged(String outbox, int deleted, Duration keep) {
        first.purged(outbox, deleted, keep);
        second.purged(outbox, deleted, keep);
    }
}
