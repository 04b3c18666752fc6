/** A user's code, story by story; each one compiles, and runs unless it needs a server. */
package dev.posthaste.stories;
