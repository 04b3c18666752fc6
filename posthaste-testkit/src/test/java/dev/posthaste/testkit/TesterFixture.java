package dev.posthaste.testkit;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.RetryPolicy;
import dev.posthaste.inbox.Inbox;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An outbox, and an inbox that records its handler's calls and fails as often as a test specifies. */
abstract class TesterFixture {
    static final String PLACED = "order.placed";
    static final String CONFIRMED = "order.confirmed";
    static final Catalog CATALOG = Catalog.empty().outbox("orders", o -> o.types(PLACED, CONFIRMED));

    /** One for each test, because the handler belongs to the test. */
    @RegisterExtension
    final PosthasteExtension posthaste = PosthasteExtension.h2(CATALOG)
            .inbox(database -> Inbox.builder("stock", database)
                    .on(PLACED, String.class, (text, context) -> handle(text))
                    .retry(RetryPolicy.fixed(Duration.ofMinutes(1)).attempts(3)));

    final List<String> handled = new ArrayList<>();
    final List<Thread> threads = new ArrayList<>();
    private int failures;

    @BeforeEach
    void failNever() {
        failures = 0;
    }

    final void failTimes(int times) {
        failures = times;
    }

    private void handle(String text) {
        handled.add(text);
        threads.add(Thread.currentThread());
        if (failures > 0) {
            failures--;
            throw new IllegalStateException("no stock for " + text);
        }
    }

    final void write(Event... events) throws SQLException {
        try (Connection connection = posthaste.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            posthaste.outbox().write(connection, List.of(events));
            connection.commit();
        }
    }
}
