/**
 * The campaign: writers, relays and consumers as processes on real databases and brokers, while a seeded nemesis kills,
 * pauses, cuts off and fills them; and checkers over what the writers and handlers recorded.
 */
@NullMarked
package dev.posthaste.reliability.torture;

import org.jspecify.annotations.NullMarked;
