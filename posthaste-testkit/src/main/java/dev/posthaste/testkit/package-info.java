/**
 * Contracts that databases and brokers must pass, and stand-ins for tests: a recording broker, a settable clock. The relay
 * without threads is {@link dev.posthaste.relay.ManualRelay}.
 */
package dev.posthaste.testkit;
