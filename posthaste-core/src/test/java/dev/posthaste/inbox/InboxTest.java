package dev.posthaste.inbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Schema;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.format.StoredEvent;
import dev.posthaste.inbox.internal.InboxTesting;
import dev.posthaste.internal.store.Receipt;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What an inbox does, whatever happens in its handlers, database, broker, listener and heap. */
class InboxTest {
    private static final String TYPE = "order.placed";
    private static final RetryPolicy THREE =
            RetryPolicy.fixed(Duration.ofMillis(1)).attempts(3);
    private static final AtomicInteger DATABASES = new AtomicInteger();

    private final JdbcConnectionPool pool = JdbcConnectionPool.create(
            "jdbc:h2:mem:consumer-" + DATABASES.incrementAndGet() + ";DB_CLOSE_DELAY=-1", "sa", "");
    private final List<String> answers = new CopyOnWriteArrayList<>();
    private final Set<String> seen = ConcurrentHashMap.newKeySet();

    @BeforeEach
    void createTables() throws SQLException {
        Schema.create(pool, Catalog.empty());
    }

    @AfterEach
    void closePool() {
        pool.dispose();
    }

    private static Message message(String id, String key, String body) {
        return Message.of("t", body.getBytes(StandardCharsets.UTF_8))
                .key(key)
                .headers(Map.of(MessageHeaders.EVENT_ID, id, MessageHeaders.EVENT_TYPE, TYPE));
    }

    private Delivery delivery(String key, String body) {
        return new Answered(message(body, key, body));
    }

    /** Records how it was answered. */
    private class Answered implements Delivery {
        private final Message message;

        Answered(Message message) {
            this.message = message;
        }

        @Override
        public Message message() {
            return message;
        }

        @Override
        public void done() {
            answers.add("done " + message.eventId());
        }

        @Override
        public void deadLetter(Failure failure) {
            answers.add("dead " + message.eventId());
        }

        @Override
        public void abandoned() {
            answers.add("abandoned " + message.eventId());
        }
    }

    private Inbox.Builder inbox(Handler<String> handler) {
        return inbox(pool).on(TYPE, String.class, handler);
    }

    private static Inbox.Builder inbox(DataSource dataSource) {
        return Inbox.builder("test", dataSource).retry(THREE);
    }

    /** One attempt, without what follows it. */
    private AttemptResult handle(MessageFormat format, Handler<String> handler, Message message) {
        Map<String, TypedHandler<?>> handlers =
                Map.of(TYPE, TypedHandler.single(String.class, handler, HandlerOptions.none()));
        InboxDatabase database = new OwnDatabase(pool, "test", Duration.ofMinutes(1));
        return new MessageHandling(
                        "test",
                        database,
                        new Handlers(handlers, UnknownTypes.DEAD_LETTER, null),
                        format,
                        ReceiptChannel.NONE,
                        null)
                .handle(message, 1, null);
    }

    private AttemptResult handle(Handler<String> handler, Message message) {
        return handle(MessageFormat.RAW, handler, message);
    }

    private void awaitAnswers(String... wanted) {
        await().atMost(Duration.ofSeconds(30)).until(() -> answers.size() >= wanted.length);
        assertThat(answers).containsExactlyInAnyOrder(wanted);
    }

    private static int recurse(int depth) {
        return depth < 0 ? 0 : recurse(depth + 1) + recurse(depth + 2);
    }

    /** An exception whose own methods fail. */
    private static final class MuteException extends RuntimeException {
        @Override
        public String toString() {
            throw new IllegalStateException("mute");
        }

        @Override
        public String getMessage() {
            throw new IllegalStateException("mute");
        }
    }

    private static void fail(String how) throws Throwable {
        switch (how) {
            case "stack" -> recurse(0);
            case "class" -> throw new NoClassDefFoundError("after a deployment");
            case "assertion" -> throw new AssertionError("never");
            case "memory" -> throw new OutOfMemoryError("no heap");
            case "mute" -> throw new MuteException();
            case "circle" -> {
                Exception one = new Exception("one");
                one.initCause(new Exception("two", one));
                throw one;
            }
            case "sneaky" -> throw new Throwable("neither Exception nor Error");
            default -> {}
        }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void throwAnything(Throwable thrown) throws T {
        throw (T) thrown;
    }

    @Test
    void A04_whateverAHandlerThrowsIsAFailureThatIsTriedAgain() {
        Inbox.Builder inbox = inbox((text, context) -> {
            if (seen.add(text)) {
                try {
                    fail(text);
                } catch (Throwable e) {
                    InboxTest.<RuntimeException>throwAnything(e);
                }
            }
        });
        try (Inbox consumer = inbox.build()) {
            List<String> all = List.of("stack", "class", "assertion", "memory", "mute", "circle", "sneaky", "healthy");
            all.forEach(each -> consumer.accept(delivery(each, each)));
            awaitAnswers(all.stream().map(each -> "done " + each).toArray(String[]::new));
        }
    }

    @Test
    void A04_errorsThatDoNotEndAreDeadLettersAndThousandsOfThemLeaveAHealthyKeyAlone() {
        Inbox.Builder inbox = inbox((text, context) -> {
            if (!text.equals("healthy")) {
                throw new StackOverflowError("deep");
            }
        });
        int keys = 4_200;
        try (Inbox consumer = inbox.build()) {
            IntStream.range(0, keys).forEach(i -> consumer.accept(delivery("key-" + i, "bad-" + i)));
            consumer.accept(delivery("key", "healthy"));
            await().atMost(Duration.ofSeconds(60)).until(() -> answers.size() == keys + 1);
            assertThat(answers)
                    .contains("done healthy")
                    .filteredOn(each -> each.startsWith("dead"))
                    .hasSize(keys);
        }
    }

    @Test
    void A04_listenersAndDeliveriesThatThrowStopNobody() {
        InboxListener listener = new InboxListener() {
            @Override
            public void handled(String inbox, Message message, Duration took) {
                throw new IllegalStateException("listener");
            }

            @Override
            public void retried(String inbox, Message message, Throwable cause) {
                throw new AssertionError("listener");
            }
        };
        Inbox.Builder inbox = inbox((text, context) -> {
            if (seen.add(text)) {
                throw new IllegalStateException("once");
            }
        });
        try (Inbox consumer = inbox.listener(listener).build()) {
            consumer.accept(new Answered(message("1", "key", "1")) {
                @Override
                public void done() {
                    throw new IllegalStateException("the channel is closed");
                }
            });
            consumer.accept(delivery("key", "2"));
            awaitAnswers("done 2");
        }
    }

    @Test
    void A04_anExecutorWithoutMemoryIsAskedAgainAndRunsNothingTwice() {
        AtomicInteger refusals = new AtomicInteger();
        ScheduledThreadPoolExecutor threads = new ScheduledThreadPoolExecutor(2) {
            @Override
            public ScheduledFuture<?> schedule(Runnable work, long delay, TimeUnit unit) {
                int number = refusals.incrementAndGet();
                if (number % 3 == 1) {
                    throw new OutOfMemoryError("before it has accepted the work");
                }
                ScheduledFuture<?> future = super.schedule(work, delay, unit);
                if (number % 3 == 2) {
                    throw new OutOfMemoryError("unable to create native thread, with the work in the queue");
                }
                return future;
            }
        };
        AtomicInteger runs = new AtomicInteger();
        Inbox.Builder inbox = inbox((text, context) -> runs.incrementAndGet());
        try (Inbox consumer =
                InboxTesting.executor(inbox, threads, new Random(1)).build()) {
            consumer.accept(delivery("key", "1"));
            consumer.accept(delivery("key", "2"));
            consumer.accept(delivery("other", "3"));
            awaitAnswers("done 1", "done 2", "done 3");
            assertThat(runs).hasValue(3);
        }
    }

    @Test
    void B03_nothingThatAFormatThrowsLeavesTheInbox() {
        for (Throwable each : List.of(
                new StringIndexOutOfBoundsException("offset -1"),
                new MuteException(),
                new StackOverflowError("deep"))) {
            MessageFormat format = new MessageFormat() {
                @Override
                public Message write(StoredEvent event, OutboxDefinition outbox) {
                    throw new UnsupportedOperationException();
                }

                @Override
                public Message read(Message message) {
                    InboxTest.<RuntimeException>throwAnything(each);
                    return message;
                }
            };
            assertThat(handle(format, (text, context) -> {}, message("1", "k", "x")))
                    .isInstanceOf(each instanceof Error ? AttemptResult.Failed.class : AttemptResult.Refused.class);
        }
    }

    // --- The database ------------------------------------------------------------------------------------------------

    /** A data source whose connections fail as the test specifies. */
    private static DataSource failing(DataSource dataSource, java.util.function.Supplier<SQLException> failure) {
        return (DataSource) Proxy.newProxyInstance(
                InboxTest.class.getClassLoader(), new Class<?>[] {DataSource.class}, (self, method, arguments) -> {
                    SQLException fails = failure.get();
                    if (fails != null) {
                        throw fails;
                    }
                    return method.invoke(dataSource, arguments);
                });
    }

    @Test
    void A20_aDatabaseThatIsAwayIsAskedOneQuestionAtATimeAndNothingIsCounted() {
        AtomicInteger asked = new AtomicInteger();
        boolean[] away = {true};
        DataSource dataSource = failing(pool, () -> {
            asked.incrementAndGet();
            return away[0] ? new SQLException("connection refused", "08001") : null;
        });
        List<String> heard = new CopyOnWriteArrayList<>();
        InboxListener listener = new InboxListener() {
            @Override
            public void retried(String inbox, Message message, Throwable cause) {
                heard.add("retried");
            }

            @Override
            public void unavailable(String inbox, Throwable cause) {
                heard.add("unavailable");
            }

            @Override
            public void available(String inbox, Duration after) {
                heard.add("available");
            }
        };
        Inbox.Builder inbox = inbox(dataSource).on(TYPE, String.class, (text, context) -> {});
        try (Inbox consumer = inbox.retry(RetryPolicy.fixed(Duration.ZERO).attempts(1))
                .listener(listener)
                .build()) {
            IntStream.range(0, 200).forEach(i -> consumer.accept(delivery("key-" + i, "event-" + i)));
            await().until(() -> asked.get() >= 5);
            assertThat(asked.get())
                    .as("attempts of 4 threads, and a few probes")
                    .isLessThanOrEqualTo(10);
            away[0] = false;
            await().atMost(Duration.ofSeconds(30)).until(() -> answers.size() == 200);
            assertThat(answers).allMatch(each -> each.startsWith("done"));
            assertThat(heard).containsExactly("unavailable", "available");
        }
    }

    @Test
    void A20_whatWaitsForTheDatabaseIsAbandonedWhenTheConsumerCloses() {
        DataSource away = failing(pool, () -> new SQLException("connection refused", "08001"));
        Inbox.Builder inbox = inbox(away).on(TYPE, String.class, (text, context) -> {});
        List<String> heard = new CopyOnWriteArrayList<>();
        Inbox consumer = inbox.listener(new InboxListener() {
                    @Override
                    public void unavailable(String name, Throwable cause) {
                        heard.add("unavailable");
                    }
                })
                .build();
        consumer.accept(delivery("key", "1"));
        consumer.accept(delivery("key", "2"));
        await().until(() -> !heard.isEmpty());
        consumer.close();
        assertThat(answers).containsExactly("abandoned 1", "abandoned 2");
    }

    @Test
    void A20_whatNoHandlerIsToBlameForIsPostponed() {
        for (SQLException passing : List.of(
                new SQLException("deadlock", "40P01"),
                new SQLException("could not serialize", "40001"),
                new SQLException("lock wait", "HY000", 1205),
                new SQLException("disk full", "53100"),
                new SQLException("too many connections", "08004", 1040))) {
            Handler<String> handler = (text, context) -> {
                throw new IllegalStateException("an ORM's", passing);
            };
            assertThat(handle(handler, message("1", "k", "x")))
                    .as(passing.getMessage())
                    .isInstanceOf(AttemptResult.Postponed.class);
        }
        for (SQLException own : List.of(
                new SQLException("canceled by its own timeout", "57014"),
                new SQLException("not null", "23502"),
                new SQLException("another database of the handler's is away", "08001"))) {
            Handler<String> handler = (text, context) -> {
                throw own;
            };
            assertThat(handle(handler, message("1", "k", "x")))
                    .as(own.getMessage())
                    .isInstanceOf(AttemptResult.Failed.class);
        }
    }

    /** This used to take up to 30 s, long after the database had ended the session of a dead process. */
    @Test
    void C16_anEventThatSomebodyElseHoldsIsTriedAgainWithinSeconds() {
        List<Long> waits = new CopyOnWriteArrayList<>();
        ScheduledThreadPoolExecutor threads = new ScheduledThreadPoolExecutor(1) {
            @Override
            public ScheduledFuture<?> schedule(Runnable work, long delay, TimeUnit unit) {
                waits.add(unit.toMillis(delay));
                return super.schedule(work, 0, unit);
            }
        };
        AtomicInteger left = new AtomicInteger(20);
        Inbox.Builder inbox = inbox((text, context) -> {
            if (left.getAndDecrement() > 0) {
                throw new SQLException("lock wait", "HY000", 1205);
            }
        });
        try (Inbox consumer =
                InboxTesting.executor(inbox, threads, new Random(1)).build()) {
            consumer.accept(delivery("key", "1"));
            awaitAnswers("done 1");
        }
        assertThat(waits).hasSizeGreaterThanOrEqualTo(20).allMatch(wait -> wait <= 6_000);
    }

    /** Another consumer that gets the message may refuse it, or never see it. */
    @Test
    void C19_thatAnEventWasHandledIsReportedAlsoWhenItsDeliveryIsNotWantedAnyMore() {
        AtomicInteger told = new AtomicInteger();
        boolean[] wanted = {true};
        ReceiptChannel receipts = new ReceiptChannel() {
            @Override
            public boolean tracks(String outbox) {
                return true;
            }

            @Override
            public void handled(Connection connection, Receipt.Consumed receipt) {}

            @Override
            public void report(Receipt receipt, java.util.function.Consumer<Reported> answer) {
                wanted[0] = false; // its partition now belongs to another consumer
                answer.accept(
                        told.incrementAndGet() == 1
                                ? new Reported.Failed(new IllegalStateException("the broker is away"))
                                : new Reported.Sent());
            }
        };
        Inbox.Builder inbox = inbox(pool)
                .on(TYPE, String.class, (text, context) -> {})
                .receipts(new Receipts("a test's", database -> receipts, null));
        Message message =
                message("1", "key", "x").headers(Map.of(MessageHeaders.OUTBOX, "orders", MessageHeaders.POSITION, "1"));
        try (Inbox consumer = inbox.build()) {
            consumer.accept(new Answered(message) {
                @Override
                public boolean wanted() {
                    return wanted[0];
                }
            });
            awaitAnswers("done 1");
        }
        assertThat(told).hasValue(2);
    }

    @Test
    void A20_anInboxWithoutItsTableIsUnavailableAndAnEventThatItRefusesIsRefused() throws SQLException {
        Handler<String> handler = (text, context) -> {};
        try (Connection connection = pool.getConnection();
                var statement = connection.createStatement()) {
            statement.execute("alter table posthaste_inbox add check (event_id <> 'poison')");
            assertThat(handle(handler, message("poison", "k", "x"))).isInstanceOf(AttemptResult.Refused.class);
            assertThat(handle(handler, message("good", "k", "x"))).isInstanceOf(AttemptResult.Handled.class);
            statement.execute("drop table posthaste_inbox");
            assertThat(handle(handler, message("good", "k", "x"))).isInstanceOf(AttemptResult.Unavailable.class);
        }
    }
}
