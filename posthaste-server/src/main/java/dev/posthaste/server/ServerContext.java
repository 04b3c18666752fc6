package dev.posthaste.server;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

/** What the HTTP interface works with. */
public record ServerContext(
        Deployment deployment, OutboxMonitor monitor, Replays replays, PrometheusMeterRegistry metrics) {}
