/**
 * What operators do: look, find, mend. {@link dev.posthaste.admin.Admin} does everything that an HTTP interface, a command
 * line and a console offer.
 */
@NullMarked
package dev.posthaste.admin;

import org.jspecify.annotations.NullMarked;
