package dev.posthaste.fuzz;

/**
 * Something that reads what others wrote. Each run makes one input and holds what comes of it against a promise; two runs
 * with equal dice do the same. One thread at a time.
 */
interface Target extends AutoCloseable {
    /** A word for the command line. */
    String name();

    /**
     * Makes an input, and tries it.
     *
     * @throws FindingException if a promise is broken; whatever else is thrown is a finding too
     */
    void run(Dice dice) throws Exception;

    @Override
    default void close() throws Exception {}
}
