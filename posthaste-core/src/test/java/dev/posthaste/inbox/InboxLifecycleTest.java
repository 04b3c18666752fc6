package dev.posthaste.inbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When an inbox starts, what it consists of, and how it ends. */
class InboxLifecycleTest {
    private static final String TYPE = "order.placed";

    private final JdbcConnectionPool pool =
            JdbcConnectionPool.create("jdbc:h2:mem:lifecycle;DB_CLOSE_DELAY=-1", "sa", "");
    private final List<String> answers = new CopyOnWriteArrayList<>();

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

    private Delivery delivery(String key, String id) {
        Message message = Message.of("t", id.getBytes())
                .key(key)
                .headers(Map.of(MessageHeaders.EVENT_ID, id, MessageHeaders.EVENT_TYPE, TYPE));
        return new Delivery() {
            @Override
            public Message message() {
                return message;
            }

            @Override
            public void done() {
                answers.add("done " + id);
            }

            @Override
            public void deadLetter(Failure failure) {
                answers.add("dead " + id);
            }

            @Override
            public void abandoned() {
                answers.add("abandoned " + id);
            }
        };
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("posthaste-inbox-life"))
                .toList();
    }

    @Test
    void threadsStartWithTheFirstDeliveryAndEndWithClose() {
        Inbox inbox = Inbox.builder("life", pool)
                .on(TYPE, String.class, (text, context) -> {})
                .build();
        assertThat(threads()).isEmpty();
        inbox.accept(delivery("k", "1"));
        await().until(() -> !answers.isEmpty());
        assertThat(threads()).containsExactlyInAnyOrder("posthaste-inbox-life", "posthaste-inbox-life-retention");
        inbox.close();
        inbox.close();
        await().until(() -> threads().isEmpty());
        inbox.accept(delivery("k", "2"));
        assertThat(answers).containsExactly("done 1", "abandoned 2");
    }

    @Test
    void onceAloneStartsOnlyWhatForgets() throws Exception {
        try (Inbox inbox = Inbox.builder("life-once", pool).build();
                var connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            assertThat(inbox.once(connection, "1", () -> {})).isTrue();
            assertThat(threads()).containsExactly("posthaste-inbox-life-once-retention");
            connection.rollback();
        }
    }

    @Test
    void closingComesBeforeTheFirstDeliveryToo() {
        Inbox inbox = Inbox.builder("life-unused", pool)
                .on(TYPE, String.class, (text, context) -> {})
                .build();
        inbox.close();
        inbox.accept(delivery("k", "1"));
        assertThat(answers).containsExactly("abandoned 1");
        assertThat(threads()).isEmpty();
    }

    @Test
    void aHandlerThatDoesNotEndIsInterruptedAndWhatWaitsIsAbandoned() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        Inbox inbox = Inbox.builder("life-slow", pool)
                .on(TYPE, String.class, (text, context) -> {
                    begun.countDown();
                    new CountDownLatch(1).await();
                })
                .closeTimeout(Duration.ofMillis(50))
                .build();
        inbox.accept(delivery("k", "1"));
        inbox.accept(delivery("k", "2"));
        begun.await();
        inbox.close();
        assertThat(answers).containsExactlyInAnyOrder("abandoned 1", "abandoned 2");
    }

    /** A broker that is slow to accept an answer does not get a second one from close(). */
    @Test
    void aDeliveryIsAnsweredOnce() throws Exception {
        CountDownLatch answering = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        Inbox inbox = Inbox.builder("life-answer", pool)
                .on(TYPE, String.class, (text, context) -> {})
                .closeTimeout(Duration.ofMillis(50))
                .build();
        Delivery known = delivery("k", "1");
        inbox.accept(new Delivery() {
            @Override
            public Message message() {
                return known.message();
            }

            @Override
            public void done() {
                answering.countDown();
                while (closed.getCount() > 0) {
                    Thread.onSpinWait(); // close() interrupts the thread, but the broker's client continues anyway
                }
                known.done();
            }

            @Override
            public void deadLetter(Failure failure) throws Exception {
                known.deadLetter(failure);
            }

            @Override
            public void abandoned() {
                known.abandoned();
            }
        });
        answering.await();
        inbox.close();
        closed.countDown();
        await().until(() -> !answers.isEmpty());
        assertThat(answers).containsExactly("done 1");
    }

    @Test
    void threadsAreTheFactorysAndEveryListenerHears() {
        List<String> heard = new CopyOnWriteArrayList<>();
        InboxListener listener = new InboxListener() {
            @Override
            public void handled(String inbox, Message message, Duration took) {
                heard.add(inbox + " " + message.eventId() + " " + (took.toNanos() > 0));
            }
        };
        InboxListener bad = new InboxListener() {
            @Override
            public void handled(String inbox, Message message, Duration took) {
                throw new IllegalStateException("bad");
            }
        };
        List<String> names = new CopyOnWriteArrayList<>();
        try (Inbox inbox = Inbox.builder("life", pool)
                .on(
                        TYPE,
                        String.class,
                        (text, context) -> names.add(Thread.currentThread().getName()))
                .threadFactory(work -> new Thread(work, "mine"))
                .listener(listener)
                .listener(bad)
                .listener(listener)
                .build()) {
            inbox.accept(delivery("k", "1"));
            await().until(() -> !answers.isEmpty());
        }
        assertThat(names).containsExactly("mine");
        assertThat(heard).containsExactly("life 1 true", "life 1 true");
    }

    @Test
    void whatCannotWorkIsRefusedWhereItIsSaid() {
        Inbox.Builder inbox = Inbox.builder("life", pool).on(TYPE, String.class, (text, context) -> {});
        assertThatThrownBy(() -> inbox.onBatch(TYPE, String.class, 10, (texts, context) -> {}))
                .hasMessageContaining(TYPE);
        assertThatThrownBy(() -> inbox.threads(0)).hasMessageContaining("thread");
        assertThatThrownBy(() -> inbox.keep(Duration.ZERO)).hasMessageContaining("keep");
        assertThatThrownBy(() -> inbox.keep(Duration.ofDays(36_526))).hasMessageContaining("keep", "life");
        assertThatThrownBy(() -> inbox.closeTimeout(Duration.ofDays(36_526)))
                .hasMessageContaining("closeTimeout", "life");
        assertThatThrownBy(() -> inbox.closeTimeout(Duration.ofSeconds(-1))).hasMessageContaining("closeTimeout");
        assertThatThrownBy(() -> Inbox.builder(" ", pool)).hasMessageContaining("1 to 100");
        assertThatThrownBy(() -> Inbox.builder("x".repeat(101), pool)).hasMessageContaining("1 to 100");
    }

    @Test
    void A20_batchesWaitForADatabaseThatIsAwayAndLoseNothing() {
        AtomicBoolean away = new AtomicBoolean(true);
        DataSource dataSource = (DataSource) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {DataSource.class}, (self, method, arguments) -> {
                    if (away.get()) {
                        throw new SQLException("connection refused", "08001");
                    }
                    return method.invoke(pool, arguments);
                });
        List<String> heard = new CopyOnWriteArrayList<>();
        List<Integer> sizes = new CopyOnWriteArrayList<>();
        try (Inbox inbox = Inbox.builder("life-batch", dataSource)
                .onBatch(TYPE, String.class, 50, (texts, context) -> sizes.add(texts.size()))
                .retry(RetryPolicy.none())
                .listener(new InboxListener() {
                    @Override
                    public void unavailable(String inbox, Throwable cause) {
                        heard.add("unavailable");
                    }

                    @Override
                    public void available(String inbox, Duration after) {
                        heard.add("available");
                    }
                })
                .build()) {
            IntStream.range(0, 300).forEach(i -> inbox.accept(delivery("key-" + i % 40, "event-" + i)));
            await().until(() -> heard.contains("unavailable"));
            assertThat(answers).isEmpty();
            away.set(false);
            await().atMost(Duration.ofSeconds(30)).until(() -> answers.size() == 300);
        }
        assertThat(answers).allMatch(each -> each.startsWith("done")).doesNotHaveDuplicates();
        assertThat(sizes.stream().mapToInt(size -> size).sum())
                .as("events that were handled")
                .isEqualTo(300);
        assertThat(heard).containsExactly("unavailable", "available");
        for (int key = 0; key < 40; key++) {
            int each = key;
            assertThat(answers.stream().filter(answer -> Integer.parseInt(answer.substring(11)) % 40 == each))
                    .isSortedAccordingTo((a, b) ->
                            Integer.compare(Integer.parseInt(a.substring(11)), Integer.parseInt(b.substring(11))));
        }
    }
}
