package dev.posthaste.tests;

import static dev.posthaste.tests.TestOutbox.ORDERS;
import static dev.posthaste.tests.TestOutbox.TYPE;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.inbox.AfterLastAttempt;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.RowStore;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

/** A tracked outbox, and consumers whose answers are recorded. */
abstract class WithReceipts {
    static final RetryPolicy THREE = RetryPolicy.fixed(Duration.ofMillis(20)).attempts(3);
    static final OutboxDefinition TRACKED = ORDERS.tracked(true).retry(THREE);
    static final Duration SOON = Duration.ofSeconds(30);

    static Inbox.Builder inbox(TestOutbox outbox, String consumer, Handler<String> handler) {
        return Inbox.builder(consumer, outbox.database.dataSource()).on(TYPE, String.class, handler);
    }

    static Inbox consumer(Inbox.Builder inbox, AfterLastAttempt after) {
        return inbox.retry(RetryPolicy.fixed(Duration.ofMillis(1)).attempts(2))
                .closeTimeout(Duration.ofMillis(100))
                .afterLastAttempt(after)
                .build();
    }

    static Receipts receipts(TestOutbox outbox) {
        return Receipts.inDatabase(outbox.catalog);
    }

    static RowStore store(TestOutbox outbox) throws SQLException {
        try (Connection connection = outbox.database.dataSource().getConnection()) {
            return new RowStore(outbox.database.dataSource(), Dialect.of(connection), outbox.catalog.outbox("orders"));
        }
    }

    record Answered(Message message, List<String> answers) implements Delivery {
        @Override
        public void done() {
            answers.add("done");
        }

        @Override
        public void leftToOutbox() {
            answers.add("left to the outbox");
        }

        @Override
        public void deadLetter(Failure failure) {
            answers.add("dead letter: " + failure.reason());
        }

        @Override
        public void abandoned() {
            answers.add("abandoned");
        }
    }
}
