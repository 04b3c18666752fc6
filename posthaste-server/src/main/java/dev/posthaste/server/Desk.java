package dev.posthaste.server;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

/** What the HTTP interface has at hand. */
public record Desk(Site site, Watch watch, Replays replays, PrometheusMeterRegistry metrics) {}
