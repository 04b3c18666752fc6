package dev.posthaste.testkit;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.StoreException;
import dev.posthaste.admin.Admin;
import dev.posthaste.broker.Message;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.internal.text.DurationText;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.internal.ManualRelay;
import dev.posthaste.relay.internal.RelayTesting;
import dev.posthaste.testkit.internal.SettableClock;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * An outbox, a relay without threads, a broker without a server and inboxes, for the tests of an application: nothing
 * moves except through the methods here, and nothing sleeps.
 *
 * <pre>{@code
 * try (PosthasteTester posthaste = PosthasteTester.on(dataSource, catalog)) {
 *     posthaste.inbox(Inbox.builder("stock", posthaste.dataSource()).on("order.placed", Order.class, this::reserve));
 *     orders.place(new Order("42", "tea", 3));        // the code under test
 *     assertThat(posthaste).wrote("order.placed").withKey("42");
 *     posthaste.deliverAll();                         // relay and handlers, on this thread
 * }
 * }</pre>
 *
 * <p>Used by one thread, that of the test; the code under test may write on any. {@link PosthasteExtension} makes one for
 * JUnit, with its own database.
 */
public class PosthasteTester implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    /** Together longer than the longest pause between two polls. */
    private static final int IDLE_PASSES = 6;

    private static final Duration IDLE_STEP = Duration.ofMillis(50);

    private final TestDataSource source;
    private final Catalog catalog;
    private final JdbcOutbox outbox;
    private final TestBroker broker = TestBroker.to(this::hand);
    private final SettableClock clock = new SettableClock();
    private final List<TestInbox> inboxes = new CopyOnWriteArrayList<>();

    PosthasteTester(@Nullable DataSource target, Catalog catalog) {
        this.source = new TestDataSource(target);
        this.catalog = catalog;
        this.outbox = JdbcOutbox.of(catalog);
    }

    /**
     * A tester on a database that has the catalog's tables, and Posthaste's own ({@link dev.posthaste.Schema#create}).
     *
     * @param dataSource remains the caller's
     */
    public static PosthasteTester on(DataSource dataSource, Catalog catalog) {
        return new PosthasteTester(dataSource, catalog);
    }

    /**
     * Adds an inbox, which gets all events of the types that it handles. It is passed as a builder because the tester
     * builds it on its own executor: handlers and retries then run on the test's thread and by the test's clock. {@link
     * #close} closes it.
     *
     * @param inbox not to be used for anything else
     */
    public PosthasteTester inbox(Inbox.Builder inbox) {
        inboxes.add(new TestInbox(inbox));
        return this;
    }

    /**
     * The database, for the code under test: {@link #written} uses the one of its connections on which the test is in a
     * transaction.
     */
    public DataSource dataSource() {
        return source;
    }

    /** An outbox for the catalog, for the code under test. */
    public JdbcOutbox outbox() {
        return outbox;
    }

    /**
     * Where the relay publishes, and what may be made to fail. It hands the messages that it accepts to the inboxes.
     */
    public TestBroker broker() {
        return broker;
    }

    /**
     * The events in all outboxes, outbox by outbox in the catalog's order, in the order of their positions. If the
     * calling thread is in a transaction on a connection of {@link #dataSource}, the events that it wrote are among
     * them.
     *
     * @throws UnsupportedOperationException if the table of an outbox is not Posthaste's own
     */
    public List<WrittenEvent> written() {
        try {
            Connection open = source.inTransaction();
            if (open != null) {
                return written(open);
            }
            try (Connection connection = source.target().getConnection()) {
                return written(connection);
            }
        } catch (SQLException e) {
            throw new StoreException("The outboxes cannot be read: " + e.getMessage(), e);
        }
    }

    private List<WrittenEvent> written(Connection connection) throws SQLException {
        List<WrittenEvent> written = new ArrayList<>();
        for (OutboxDefinition each : catalog.outboxes()) {
            written.addAll(new WrittenRows(connection, each).read());
        }
        return written;
    }

    /**
     * Hands an event to the inboxes, without an outbox and a relay: one attempt, on this thread, whatever else waits. Its
     * payload is serialized as by {@link #outbox}, and in the format of its outbox if its type is in the catalog.
     *
     * @throws Exception what the handler threw, even at the last attempt, unless a fallback handled the event
     * @throws IllegalArgumentException if no inbox handles events of its type
     */
    public void deliver(Event event) throws Exception {
        List<TestInbox> handling =
                inboxes.stream().filter(each -> each.handles(event.type())).toList();
        if (handling.isEmpty()) {
            throw new IllegalArgumentException("No inbox of the tester handles events of type " + event.type());
        }
        Message message = EventMessages.of(event, catalog);
        for (TestInbox inbox : handling) {
            inbox.deliver(message);
        }
    }

    /**
     * Publishes what is due and handles it, on this thread, until nothing moves, including events that handlers wrote.
     * Limits of events per second do not apply. Events that are not due, have failed, or come while the broker is
     * unavailable wait for {@link #advance} or the next call; events that the test has not committed are not visible
     * yet. What a handler throws is logged, and not thrown here.
     *
     * @throws IllegalStateException if something still moves after 10 s, or an outbox belongs to another relay
     */
    public void deliverAll() {
        deliverAll(LIMIT);
    }

    final void deliverAll(Duration limit) {
        long start = System.nanoTime();
        ManualRelay relay = RelayTesting.manual(RelayTesting.clock(
                Relay.builder(source.target(), catalog.all(each -> each.maxPerSecond(0)), broker), clock));
        try {
            int idle = 0;
            while (idle < IDLE_PASSES) {
                boolean moved = relay.pass() | handle();
                idle = moved ? 0 : idle + 1;
                if (!moved && !broker.healthy()) {
                    break;
                }
                if (!moved) {
                    clock.advance(IDLE_STEP); // no test waits for the next poll
                }
                if (System.nanoTime() - start > limit.toNanos()) {
                    throw new IllegalStateException("Events still move after " + limit.toSeconds()
                            + " s: does a handler write an event that leads to the next, without an end?");
                }
            }
            catalog.outboxes().forEach(each -> requireOwned(relay, each.name()));
        } finally {
            relay.release();
        }
    }

    private boolean handle() {
        boolean moved = false;
        for (TestInbox inbox : inboxes) {
            moved |= inbox.work();
        }
        return moved;
    }

    private void requireOwned(ManualRelay relay, String name) {
        if (!relay.owns(name)
                && !Admin.of(source.target(), catalog).outbox(name).lease().paused()) {
            throw new IllegalStateException("Outbox " + name + " belongs to another relay on this database;"
                    + " a test needs it exclusively, or leaves the publishing to that relay");
        }
    }

    /**
     * Hands an event's message to the inboxes again, as a broker may: an inbox that has handled it must not do so
     * again.
     *
     * @throws IllegalStateException if it was not published
     */
    public void redeliver(WrittenEvent event) {
        List<Message> published = broker.messages().stream()
                .filter(message -> event.id().equals(message.eventId()))
                .toList();
        if (published.isEmpty()) {
            throw new IllegalStateException(event + " was not published yet: call deliverAll() first");
        }
        hand(published.get(published.size() - 1));
        handle();
    }

    private void hand(Message message) {
        for (TestInbox inbox : inboxes) {
            if (inbox.handles(message.eventType())) {
                inbox.take(message);
            }
        }
    }

    /**
     * Lets time pass: retries that inboxes have scheduled run on this thread when their time has come, and events that
     * are delayed or were rejected become due that much earlier, for the next {@link #deliverAll}.
     *
     * @throws UnsupportedOperationException if the table of an outbox is not Posthaste's own
     */
    public void advance(Duration time) {
        if (time.isNegative()) {
            throw new IllegalArgumentException("Time does not go back: " + DurationText.of(time));
        }
        try (Connection connection = source.target().getConnection()) {
            connection.setAutoCommit(false);
            for (OutboxDefinition each : catalog.outboxes()) {
                new WrittenRows(connection, each).advance(time);
            }
            connection.commit();
        } catch (SQLException e) {
            throw new StoreException("The outboxes cannot be changed: " + e.getMessage(), e);
        }
        inboxes.forEach(inbox -> inbox.advance(time));
    }

    /** For the next test: another database, or none. */
    final void target(@Nullable DataSource target) {
        source.target(target);
        broker.reset();
    }

    /** Closes the inboxes, and nothing that it was handed. Works twice. */
    @Override
    public void close() {
        inboxes.forEach(TestInbox::close);
        inboxes.clear();
    }
}
