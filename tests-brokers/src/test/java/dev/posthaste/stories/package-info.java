/** What a user of Posthaste writes, story by story; each compiles, and runs where no server is needed. */
package dev.posthaste.stories;
