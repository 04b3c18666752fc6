/** Payloads through your own Jackson. Each class needs the library it names, and is not loaded without it. */
@NullMarked
package dev.posthaste.jackson;

import org.jspecify.annotations.NullMarked;
