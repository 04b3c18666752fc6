package dev.posthaste.servers;

/** A server of one's own, with its data on a disk, that can be broken and brought back. */
public interface ServerProcess extends AutoCloseable {
    /** Where it listens on the loopback address. */
    int port();

    /** Kills all of its processes, as a power failure would; {@link #startAgain} brings it back. */
    void kill();

    /** Asks it to end; {@link #startAgain} brings it back. */
    void stop();

    /** Starts it with the data it had, and waits until it listens; does nothing while it runs. */
    void startAgain();

    /** Freezes it with {@code STOP}, and thaws it with {@code CONT}. */
    void signal(String signal);

    @Override
    void close();
}
