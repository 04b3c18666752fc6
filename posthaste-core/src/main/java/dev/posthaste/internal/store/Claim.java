package dev.posthaste.internal.store;

/**
 * A relay's right to move an outbox's events, valid while the lease row says the same owner and epoch.
 *
 * @param epoch grows by one with every change of owner
 */
public record Claim(String outbox, String owner, long epoch) {}
