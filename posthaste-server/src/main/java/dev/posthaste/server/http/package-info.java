/** The HTTP interface and the console behind it. */
@NullMarked
package dev.posthaste.server.http;

import org.jspecify.annotations.NullMarked;
