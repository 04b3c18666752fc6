/**
 * Contracts that stores, databases and brokers must pass, and stand-ins for tests: a store in memory, a recording broker, a
 * settable clock. The relay without threads is {@link dev.posthaste.relay.internal.ManualRelay}.
 */
package dev.posthaste.testkit;
