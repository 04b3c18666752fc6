package dev.posthaste.admin;

import dev.posthaste.ProvidedByPosthaste;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who relays an outbox. */
@ProvidedByPosthaste
public interface LeaseState {
    /** The outbox's name. */
    String outbox();

    /** The relay that holds the lease, or null. */
    @Nullable
    String owner();

    /** Grows with every change of owner. */
    long epoch();

    /** How long the lease lasts if it is not renewed; zero without an owner. */
    Duration expiresIn();

    /** Who paused the outbox; null when it is not paused. */
    @Nullable
    String pausedBy();

    /** The relays that could hold the lease, the owner among them. */
    List<String> relays();

    /** Whether relays are told not to publish from the outbox. */
    default boolean paused() {
        return pausedBy() != null;
    }
}
