package dev.posthaste.testkit;

/** Assertions on what a test wrote into outboxes, in addition to AssertJ's. */
public final class PosthasteAssertions {
    private PosthasteAssertions() {}

    /** Begins assertions on what was written to the tester's outboxes. */
    public static PosthasteAssert assertThat(PosthasteTester tester) {
        return new PosthasteAssert(tester);
    }
}
