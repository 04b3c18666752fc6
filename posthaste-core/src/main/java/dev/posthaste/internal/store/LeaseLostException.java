package dev.posthaste.internal.store;

/** Another relay owns the outbox now, or none does: nothing was written, and everything in memory must be dropped. */
public final class LeaseLostException extends RuntimeException {
    public LeaseLostException(Claim claim) {
        super("Relay " + claim.owner() + " no longer owns outbox " + claim.outbox() + " (its epoch was " + claim.epoch()
                + "); nothing was written");
    }
}
