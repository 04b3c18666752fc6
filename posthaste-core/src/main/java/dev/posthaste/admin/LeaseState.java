package dev.posthaste.admin;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who relays an outbox.
 *
 * @param owner the relay that holds the lease, or null
 * @param epoch grows with every change of owner
 * @param expiresIn how long the lease is good without another word; zero without an owner
 * @param pausedBy who paused the outbox, or null when it is not
 * @param relays those that stand ready for it, the owner among them
 */
public record LeaseState(
        String outbox,
        @Nullable String owner,
        long epoch,
        Duration expiresIn,
        @Nullable String pausedBy,
        List<String> relays) {
    public boolean paused() {
        return pausedBy != null;
    }
}
