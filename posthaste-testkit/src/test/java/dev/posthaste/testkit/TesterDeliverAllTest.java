package dev.posthaste.testkit;

import static dev.posthaste.testkit.PosthasteAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.relay.Relay;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Due events are published and handled, on the test's thread, until nothing more happens. */
class TesterDeliverAllTest extends TesterFixture {
    @Test
    void everythingIsHandledInTheOrderOfItsKeyOnTheTestsThread() throws Exception {
        List<String> all = IntStream.range(0, 200).mapToObj(Integer::toString).toList();
        write(all.stream().map(each -> Event.of(PLACED, "a", each)).toArray(Event[]::new));
        posthaste.deliverAll();
        assertThat(handled).isEqualTo(all);
        assertThat(threads).containsOnly(Thread.currentThread());
        assertThat(posthaste.written()).allMatch(event -> event.status() == Status.PUBLISHED);
        assertThat(posthaste.broker().messages()).hasSize(200);
    }

    @Test
    void whatNoInboxHandlesIsPublished() throws Exception {
        write(Event.of(CONFIRMED, "a", "1"));
        posthaste.deliverAll();
        assertThat(posthaste).wrote(CONFIRMED).withStatus(Status.PUBLISHED);
        assertThat(handled).isEmpty();
    }

    @Test
    void itCanBeCalledAgain() throws Exception {
        posthaste.deliverAll();
        for (String each : List.of("1", "2")) {
            write(Event.of(PLACED, "a", each));
            posthaste.deliverAll();
        }
        assertThat(handled).containsExactly("1", "2");
    }

    @Test
    void whatAHandlerWritesIsDeliveredToo() throws Exception {
        List<String> confirmed = new ArrayList<>();
        posthaste.inbox(Inbox.builder("confirming", posthaste.dataSource())
                .on(
                        PLACED,
                        String.class,
                        (text, context) -> posthaste
                                .outbox()
                                .write(context.connection(), CONFIRMED, context.key(), text + " is confirmed"))
                .on(CONFIRMED, String.class, (text, context) -> confirmed.add(text)));
        write(Event.of(PLACED, "a", "1"));
        posthaste.deliverAll();
        assertThat(confirmed).containsExactly("1 is confirmed");
    }

    @Test
    void batchesAreHandledAsBatches() throws Exception {
        List<Integer> sizes = new ArrayList<>();
        posthaste.inbox(Inbox.builder("prices", posthaste.dataSource())
                .onBatch(CONFIRMED, String.class, 10, (texts, context) -> sizes.add(texts.size())));
        write(Event.of(CONFIRMED, "a", "1"), Event.of(CONFIRMED, "b", "2"), Event.of(CONFIRMED, "a", "3"));
        posthaste.deliverAll();
        assertThat(sizes).containsExactly(3);
    }

    @SuppressWarnings("NullAway") // the extension does not use JUnit's context
    @Test
    void manyOutboxesAreDeliveredAndLimitsPerSecondDoNotCount() throws Exception {
        Catalog many = Catalog.forServices("acme")
                .outbox("one", o -> o.types("a"))
                .outbox("two", o -> o.types("b"))
                .outbox("three", o -> o.types("c"))
                .all(o -> o.maxPerSecond(1));
        PosthasteExtension shop = PosthasteExtension.h2(many);
        shop.beforeEach(null);
        try (Connection connection = shop.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            for (int i = 0; i < 20; i++) {
                shop.outbox()
                        .write(
                                connection,
                                List.of(Event.of("a", "1", ""), Event.of("b", "1", ""), Event.of("c", "1", "")));
            }
            connection.commit();
        }
        long start = System.nanoTime();
        shop.deliverAll();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(9));
        assertThat(shop.written()).hasSize(60).allMatch(event -> event.status() == Status.PUBLISHED);
        shop.afterEach(null);
    }

    @Test
    void whatNeverEndsIsAMistake() throws Exception {
        posthaste.inbox(Inbox.builder("echo", posthaste.dataSource())
                .on(
                        CONFIRMED,
                        String.class,
                        (text, context) -> posthaste.outbox().write(context.connection(), CONFIRMED, null, text)));
        write(Event.of(CONFIRMED, null, "1"));
        assertThatThrownBy(() -> posthaste.deliverAll(Duration.ofSeconds(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Events still move after 1 s");
    }

    @Test
    void anOutboxOfAnotherRelayIsRefused() throws Exception {
        try (TestBroker broker = TestBroker.create();
                Relay relay = Relay.builder(posthaste.dataSource(), CATALOG, broker)
                        .build()
                        .start()) {
            Awaitility.await()
                    .atMost(Duration.ofMinutes(1))
                    .until(() -> relay.owned().contains("orders"));
            assertThatThrownBy(posthaste::deliverAll)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Outbox orders belongs to another relay");
        }
    }

    @Test
    void aPausedOutboxIsLeftAlone() throws Exception {
        write(Event.of(PLACED, "a", "1"));
        Admin.of(posthaste.dataSource(), CATALOG).outbox("orders").pause(Change.by("ada", "a test"));
        posthaste.deliverAll();
        assertThat(posthaste).wrote(PLACED).withStatus(Status.PENDING);
    }
}
