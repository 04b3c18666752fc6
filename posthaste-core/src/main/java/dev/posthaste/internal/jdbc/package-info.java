/**
 * All SQL. Each statement is one text block beside what binds its parameters, in a class for one purpose: reads, verdicts,
 * receipts, retention, search. {@link dev.posthaste.internal.jdbc.Dialect} holds what differs between databases; the
 * schema scripts are files beside them.
 */
@NullMarked
package dev.posthaste.internal.jdbc;

import org.jspecify.annotations.NullMarked;
