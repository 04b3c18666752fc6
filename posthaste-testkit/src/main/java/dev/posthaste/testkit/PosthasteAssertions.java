package dev.posthaste.testkit;

/** Assertions on what a test wrote into outboxes, in addition to AssertJ's. */
public final class PosthasteAssertions {
    private PosthasteAssertions() {}

    public static PosthasteAssert assertThat(PosthasteTester tester) {
        return new PosthasteAssert(tester);
    }
}
