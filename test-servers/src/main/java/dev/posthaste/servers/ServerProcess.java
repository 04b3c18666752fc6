package dev.posthaste.servers;

/** A separate server, with its data on a disk, that can be broken and restarted. */
public interface ServerProcess extends AutoCloseable {
    /** Its port on the loopback address. */
    int port();

    /** Kills all of its processes, as a power failure would; {@link #startAgain} restarts it. */
    void kill();

    /** Shuts it down; {@link #startAgain} restarts it. */
    void stop();

    /** Starts it with its existing data, and waits until it listens; does nothing if it is running. */
    void startAgain();

    /** Freezes it with {@code STOP}, and thaws it with {@code CONT}. */
    void signal(String signal);

    @Override
    void close();
}
