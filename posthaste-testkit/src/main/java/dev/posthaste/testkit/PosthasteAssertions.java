package dev.posthaste.testkit;

import org.jspecify.annotations.NullMarked;

/** Assertions on what a test wrote into outboxes, in addition to AssertJ's. */
@NullMarked
public final class PosthasteAssertions {
    private PosthasteAssertions() {}

    public static PosthasteAssert assertThat(PosthasteTester tester) {
        return new PosthasteAssert(tester);
    }
}
