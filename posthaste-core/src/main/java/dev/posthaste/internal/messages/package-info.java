/** What is known about messages before they are opened. Not part of the API. */
@NullMarked
package dev.posthaste.internal.messages;

import org.jspecify.annotations.NullMarked;
