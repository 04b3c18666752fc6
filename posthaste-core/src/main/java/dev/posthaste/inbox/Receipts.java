package dev.posthaste.inbox;

import dev.posthaste.Catalog;
import dev.posthaste.Route;
import dev.posthaste.broker.Broker;
import dev.posthaste.inbox.internal.InboxTesting;
import dev.posthaste.internal.store.Receipt;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How an inbox reports the outcome of an event to a tracked outbox, so that its row ends as {@code consumed} or {@code
 * dead}. Of the inboxes that handle an outbox's events, one sends receipts: the one whose outcome counts. Immutable.
 */
public final class Receipts {
    static {
        InboxTesting.supply(new InboxAccess());
    }

    private static final Receipts NONE = new Receipts("no receipts", database -> ReceiptChannel.NONE, null);

    private final String description;
    private final Function<InboxDatabase, ReceiptChannel> opening;
    private final @Nullable Duration longestKeep;

    Receipts(String description, Function<InboxDatabase, ReceiptChannel> opening, @Nullable Duration longestKeep) {
        this.description = description;
        this.opening = opening;
        this.longestKeep = longestKeep;
    }

    /** No outbox gets receipts. */
    public static Receipts none() {
        return NONE;
    }

    /**
     * For an inbox whose database holds the outbox too: the handler's effect, the inbox's note and {@code consumed} commit
     * together. The outbox's definition decides how long an event that could not be handled waits, and when it is dead.
     *
     * @param catalog the outboxes; those that are tracked get receipts
     * @throws IllegalArgumentException if none is tracked
     */
    public static Receipts inDatabase(Catalog catalog) {
        TrackedOutboxes outboxes = TrackedOutboxes.of(catalog);
        return new Receipts(
                "receipts in the database of outboxes "
                        + new TreeSet<>(outboxes.byName().keySet()),
                database -> new DatabaseReceipts(database, outboxes),
                outboxes.longestKeep());
    }

    /**
     * For an inbox with its own database: receipts are messages, which the outbox's side reads and applies. One is sent
     * after the handler's transaction, and the broker forgets the event only when the receipt is durable. What can
     * never be handled is dead-lettered too, because it is not known here whether its row will record that.
     *
     * @param broker closed by the caller, after the inbox
     */
    public static Receipts through(Broker broker, Route route) {
        ReceiptChannel channel = new MessageReceipts(broker, route);
        return new Receipts("receipts through " + route, database -> channel, null);
    }

    /** The same, heard by tests: see {@link InboxTesting#beforeRefusals}. */
    Receipts beforeRefusals(Consumer<String> hears) {
        return new Receipts(description, database -> new Heard(opening.apply(database), hears), longestKeep);
    }

    ReceiptChannel open(InboxDatabase database) {
        return opening.apply(database);
    }

    /** How long the outboxes keep events that may be replayed; null where it is not known here. */
    @Nullable
    Duration longestKeep() {
        return longestKeep;
    }

    /** Says where they go. */
    @Override
    public String toString() {
        return description;
    }

    private record Heard(ReceiptChannel channel, Consumer<String> hears) implements ReceiptChannel {
        @Override
        public boolean tracks(String outbox) {
            return channel.tracks(outbox);
        }

        @Override
        public void handled(Connection connection, Receipt.Consumed receipt) throws SQLException {
            channel.handled(connection, receipt);
        }

        @Override
        public void handledBefore(Connection connection, Receipt.Consumed receipt) throws SQLException {
            channel.handledBefore(connection, receipt);
        }

        @Override
        public void report(Receipt receipt, Consumer<Reported> reported) {
            if (receipt instanceof Receipt.Refusal) {
                hears.accept(receipt.eventId());
            }
            channel.report(receipt, reported);
        }

        @Override
        public void reportApart(Receipt.Consumed receipt, Consumer<Reported> reported) {
            channel.reportApart(receipt, reported);
        }
    }
}
