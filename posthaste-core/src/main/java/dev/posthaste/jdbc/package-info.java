/**
 * All SQL. One class for each table holds its statements; {@link dev.posthaste.jdbc.Dialect} holds what differs
 * between databases; the schema scripts lie beside them as files.
 */
@NullMarked
package dev.posthaste.jdbc;

import org.jspecify.annotations.NullMarked;
