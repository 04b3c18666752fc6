package dev.posthaste.internal.admin;

import dev.posthaste.admin.LeaseState;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A lease as the database has it. */
public record LeaseRow(
        String outbox,
        @Nullable String owner,
        long epoch,
        Duration expiresIn,
        @Nullable String pausedBy,
        List<String> relays)
        implements LeaseState {}
