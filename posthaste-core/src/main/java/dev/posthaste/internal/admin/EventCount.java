package dev.posthaste.internal.admin;

import dev.posthaste.admin.DryRun;
import dev.posthaste.admin.FoundEvent;
import java.util.List;

/** How many events a filter matches, and the first of them. */
public record EventCount(long events, boolean counted, List<FoundEvent> sample) implements DryRun {}
