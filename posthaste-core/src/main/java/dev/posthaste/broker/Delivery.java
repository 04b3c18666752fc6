package dev.posthaste.broker;

/**
 * A message that a broker handed over, until the consumer reports its outcome. Exactly one of {@link #done},
 * {@link #leftToOutbox}, {@link #deadLetter} and {@link #abandoned} is its answer.
 *
 * <p>Implementations are thread-safe. {@link #lane} is asked while the delivery is accepted; {@link #wanted} and {@link
 * #deadLetter}, which may wait for the broker, are called on threads of the receiver's; the rest is called on any
 * thread, such as the one that closes the receiver, and does not block.
 */
public interface Delivery {
    /** The message as the broker brought it. */
    Message message();

    /** Deliveries with equal lanes are handled one after another, in the order they came. */
    default Object lane() {
        String key = message().key();
        return key == null ? this : key;
    }

    /** Asked before each attempt: whether it is still this process's to handle. If not, it is abandoned. */
    default boolean wanted() {
        return true;
    }

    /** An attempt has ended without an answer. The next comes later, and {@link #wanted} is asked before it. */
    default void attemptEnded() {}

    /** Handled, now or before: the broker may forget it. */
    void done();

    /** Not handled, but its outbox knows and sees to the rest: the broker may forget this message. */
    default void leftToOutbox() {
        done();
    }

    /**
     * Given up: to be put on the error queue or dead-letter topic before the broker forgets it.
     *
     * @throws Exception if it could not be put there; the consumer tries again
     */
    void deadLetter(Failure failure) throws Exception;

    /** Not handled, because the consumer is closing: the broker hands it to another consumer. */
    void abandoned();
}
