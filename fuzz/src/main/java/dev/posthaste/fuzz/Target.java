package dev.posthaste.fuzz;

/**
 * Something that reads data from other programs. Each run creates one input and checks the result against a promise;
 * two runs with equal dice do the same. One thread at a time.
 */
interface Target extends AutoCloseable {
    /** A word for the command line. */
    String name();

    /**
     * Creates an input, and tries it.
     *
     * @throws FindingException if a promise is broken; any other exception is a finding too
     */
    void run(Dice dice) throws Exception;

    @Override
    default void close() throws Exception {}
}
