package dev.posthaste.broker;

/** What a subscription feeds. Closed by its creator, never by a broker. Thread-safe. */
public interface Receiver extends AutoCloseable {
    /** What logs and dead letters call it. */
    String name();

    /** Whether it takes messages of this type; asked where no queue or topic decides that. */
    boolean handles(String eventType);

    /** Takes a delivery, which is answered later on a thread of the receiver's, or abandoned if it is closed. */
    void accept(Delivery delivery);

    /** Takes nothing more, waits for what is running within a bound, and abandons the rest. Works twice. */
    @Override
    void close();
}
