/**
 * The campaign: writers, relays and consumers as processes on real databases and brokers, while a nemesis with a seed kills,
 * stops, cuts and fills whatever there is; and checkers over what the writers and the handlers wrote down.
 */
@NullMarked
package dev.posthaste.reliability.torture;

import org.jspecify.annotations.NullMarked;
