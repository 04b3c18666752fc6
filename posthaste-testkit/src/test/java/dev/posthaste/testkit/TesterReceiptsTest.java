package dev.posthaste.testkit;

import static dev.posthaste.testkit.PosthasteAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import dev.posthaste.inbox.AfterLastAttempt;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Receipts;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Rows of a tracked outbox end as consumed, immediately or after they were published again. */
class TesterReceiptsTest {
    private static final Catalog TRACKED =
            Catalog.empty().outbox("orders", o -> o.types("order.placed").tracked(true));

    private final List<String> handled = new ArrayList<>();
    private boolean failing;

    @RegisterExtension
    final PosthasteExtension posthaste = PosthasteExtension.h2(TRACKED)
            .inbox(database -> Inbox.builder("stock", database)
                    .receipts(Receipts.inDatabase(TRACKED))
                    .retry(RetryPolicy.none())
                    .afterLastAttempt(AfterLastAttempt.REDELIVER)
                    .on("order.placed", String.class, (text, context) -> handle(text)));

    private void handle(String text) {
        handled.add(text);
        if (failing) {
            throw new IllegalStateException("not yet");
        }
    }

    @Test
    void anEventIsConsumedOnceItWasHandled() throws Exception {
        failing = true;
        try (Connection connection = posthaste.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            posthaste.outbox().write(connection, Event.of("order.placed", "a", "1"));
            connection.commit();
        }
        posthaste.deliverAll();
        assertThat(posthaste).wrote("order.placed").withStatus(Status.PENDING);
        failing = false;
        posthaste.advance(Duration.ofMinutes(1));
        posthaste.deliverAll();
        assertThat(posthaste).wrote("order.placed").withStatus(Status.CONSUMED);
        assertThat(handled).containsExactly("1", "1");
    }
}
