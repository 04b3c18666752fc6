package dev.posthaste.inbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Schema;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import java.lang.reflect.Proxy;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A broker that closes a subscription waits for running attempts, so it must learn which ones only wait. */
class WaitingAttemptsTest {
    private static final String TYPE = "order.placed";
    private static final Duration LONG = Duration.ofSeconds(30);

    private final JdbcConnectionPool pool =
            JdbcConnectionPool.create("jdbc:h2:mem:waiting;DB_CLOSE_DELAY=-1", "sa", "");
    private final AtomicBoolean away = new AtomicBoolean();
    private final List<Tracked> deliveries = new CopyOnWriteArrayList<>();

    @BeforeEach
    void createTables() throws SQLException {
        Schema.create(pool, Catalog.empty());
    }

    @AfterEach
    void drop() throws SQLException {
        try (var connection = pool.getConnection();
                var statement = connection.createStatement()) {
            statement.execute("shutdown");
        }
        pool.dispose();
    }

    /** A delivery that knows whether its broker believes an attempt to be running. */
    private static final class Tracked implements Delivery {
        private final Message message;
        final AtomicInteger asked = new AtomicInteger();
        volatile boolean begun;
        volatile boolean answered;

        Tracked(String key, String id) {
            message = Message.of("t", id.getBytes())
                    .key(key)
                    .headers(Map.of(MessageHeaders.EVENT_ID, id, MessageHeaders.EVENT_TYPE, TYPE));
        }

        @Override
        public Message message() {
            return message;
        }

        @Override
        public boolean wanted() {
            asked.incrementAndGet();
            begun = true;
            return true;
        }

        @Override
        public void attemptEnded() {
            begun = false;
        }

        @Override
        public void done() {
            answered = true;
        }

        @Override
        public void deadLetter(Failure failure) {
            answered = true;
        }

        @Override
        public void abandoned() {
            answered = true;
        }
    }

    private DataSource sometimesAway() {
        return (DataSource) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {DataSource.class}, (self, method, arguments) -> {
                    if (away.get()) {
                        throw new SQLException("connection refused", "08001");
                    }
                    return method.invoke(pool, arguments);
                });
    }

    private void accept(Inbox inbox, String key, String id) {
        Tracked delivery = new Tracked(key, id);
        deliveries.add(delivery);
        inbox.accept(delivery);
    }

    private void awaitNoneBegun() {
        await().atMost(LONG).until(() -> deliveries.stream().noneMatch(each -> each.begun));
    }

    private void awaitAnswers() {
        await().atMost(LONG).until(() -> deliveries.stream().allMatch(each -> each.answered));
    }

    @Test
    void whatWaitsForTheDatabaseHasNotBegunAndIsAskedForAgain() {
        away.set(true);
        AtomicInteger unavailable = new AtomicInteger();
        try (Inbox inbox = Inbox.builder("waiting", sometimesAway())
                .on(TYPE, String.class, (text, context) -> {})
                .listener(new InboxListener() {
                    @Override
                    public void unavailable(String name, Throwable cause) {
                        unavailable.incrementAndGet();
                    }
                })
                .build()) {
            accept(inbox, "first", "1");
            await().atMost(LONG).until(() -> unavailable.get() > 0);
            accept(inbox, "second", "2");
            awaitNoneBegun();
            int asked = deliveries.get(0).asked.get();
            assertThat(asked).isPositive();
            away.set(false);
            awaitAnswers();
            assertThat(deliveries.get(0).asked.get()).isGreaterThan(asked);
        }
    }

    @Test
    void aBatchThatWaitsForTheDatabaseHasNotBegun() {
        AtomicBoolean held = new AtomicBoolean(true);
        AtomicInteger unavailable = new AtomicInteger();
        try (Inbox inbox = Inbox.builder("waiting", sometimesAway())
                .threads(1)
                .onBatch(TYPE, String.class, 10, (texts, context) -> {
                    while (held.get()) {
                        Thread.sleep(5); // so that the others form a batch
                    }
                })
                .listener(new InboxListener() {
                    @Override
                    public void unavailable(String name, Throwable cause) {
                        unavailable.incrementAndGet();
                    }
                })
                .build()) {
            accept(inbox, "other", "0");
            await().atMost(LONG).until(() -> deliveries.get(0).begun);
            for (int i = 1; i < 4; i++) {
                accept(inbox, "key", String.valueOf(i));
            }
            away.set(true);
            held.set(false);
            await().atMost(LONG).until(() -> unavailable.get() > 0);
            awaitNoneBegunButTheAnswered();
            away.set(false);
            awaitAnswers();
        }
    }

    private void awaitNoneBegunButTheAnswered() {
        await().atMost(LONG).until(() -> deliveries.stream().noneMatch(each -> each.begun && !each.answered));
    }

    @Test
    void thoseBehindTheHeadOfAFailedBatchHaveNotBegun() {
        AtomicBoolean held = new AtomicBoolean(true);
        try (Inbox inbox = Inbox.builder("waiting", sometimesAway())
                .threads(1)
                .retry(RetryPolicy.fixed(Duration.ofMinutes(10)).attempts(2))
                .onBatch(TYPE, String.class, 10, (texts, context) -> {
                    while (held.get()) {
                        Thread.sleep(5);
                    }
                    throw new IllegalStateException("planned");
                })
                .build()) {
            accept(inbox, "other", "0");
            await().atMost(LONG).until(() -> deliveries.get(0).begun);
            for (int i = 1; i < 4; i++) {
                accept(inbox, "key", String.valueOf(i));
            }
            held.set(false);
            await().atMost(LONG).until(() -> deliveries.get(3).asked.get() > 0);
            awaitNoneBegun();
        }
    }
}
