package dev.posthaste.tests;

import static dev.posthaste.testkit.PosthasteAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Schema;
import dev.posthaste.Status;
import dev.posthaste.TableLayout;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.PosthasteTester;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The tester for applications reads and changes outboxes on every database, in its own plain SQL. */
class PosthasteTesterTest {
    private static final Catalog CATALOG = Catalog.empty()
            .outbox("orders", o -> o.types("payment.due"))
            .outbox(
                    "images",
                    o -> o.types("image.stored").layout(TableLayout.standard().binaryPayload(true)));

    @ParameterizedTest
    @EnumSource
    void timePassesForDelayedEventsAndWhatWasWrittenIsRead(Database kind) throws Exception {
        byte[] image = {(byte) 0xFF, 0};
        List<String> paid = new ArrayList<>();
        try (TestDatabase database = DatabaseServer.of(kind).createDatabase();
                PosthasteTester tester = PosthasteTester.on(database.dataSource(), CATALOG)) {
            Schema.create(database.dataSource(), CATALOG);
            JdbcOutbox outbox = tester.outbox();
            tester.inbox(Inbox.builder("payments", tester.dataSource())
                    .on("payment.due", String.class, (payment, context) -> paid.add(payment)));
            try (Connection connection = tester.dataSource().getConnection()) {
                connection.setAutoCommit(false);
                outbox.write(connection, Event.of("payment.due", "a", "1").delay(Duration.ofHours(24)));
                outbox.write(connection, Event.of("image.stored", "b", image).header("tenant", "acme"));
                assertThat(tester).wrote("payment.due").withKey("a");
                connection.commit();
            }
            assertThat(assertThat(tester)
                            .wrote("image.stored")
                            .withHeader("tenant", "acme")
                            .event()
                            .payload(byte[].class))
                    .isEqualTo(image);

            tester.advance(Duration.ofHours(24).minusMinutes(5));
            tester.deliverAll();
            assertThat(tester).wrote("image.stored").withStatus(Status.PUBLISHED);
            assertThat(paid).isEmpty();
            tester.advance(Duration.ofMinutes(5));
            tester.deliverAll();
            assertThat(tester).wrote("payment.due").withStatus(Status.PUBLISHED);
            assertThat(paid).containsExactly("1");
        }
    }
}
