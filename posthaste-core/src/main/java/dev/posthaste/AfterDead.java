package dev.posthaste;

/** What a key does after one of its events has died. May grow. */
public enum AfterDead {
    /** It continues with the next event. */
    SKIP,
    /** It waits until an operator has requeued or removed the dead event. */
    BLOCK
}
