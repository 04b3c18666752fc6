package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.inbox.EventContext;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.RejectedEventException;
import dev.posthaste.inbox.UnknownTypes;
import dev.posthaste.internal.jdbc.InboxTable;
import dev.posthaste.internal.messages.Digest;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What an inbox must do on every database. */
public abstract class InboxContract extends DatabaseContract {
    protected InboxContract(DatabaseSource source) {
        super(source);
    }

    /** What handlers in these tests read. */
    public record Order(String name) {}

    @BeforeEach
    void createEffects() throws Exception {
        execute("create table effects (name varchar(100))");
    }

    private static void effect(EventContext context, String name) throws SQLException {
        try (PreparedStatement insert =
                context.connection().prepareStatement("insert into effects (name) values (?)")) {
            insert.setString(1, name);
            insert.executeUpdate();
        }
    }

    private Inbox.Builder inbox() {
        return Inbox.builder("test", dataSource).unknownTypes(UnknownTypes.DEAD_LETTER);
    }

    private static Message message(String id, String key, String body) {
        return Message.of("topic", body.getBytes(StandardCharsets.UTF_8))
                .key(key)
                .headers(Map.of(MessageHeaders.EVENT_ID, id, MessageHeaders.EVENT_TYPE, TYPE));
    }

    @Test
    void anEventIsHandledOnceInEffect() throws Exception {
        Attempts inbox = Attempts.of(inbox().on(TYPE, Order.class, (order, context) -> effect(context, order.name())));
        Message message = message("1", "k", "{\"name\":\"a\"}");
        assertThat(inbox.handle(message)).isInstanceOf(Attempts.Result.Handled.class);
        assertThat(inbox.handle(message)).isInstanceOf(Attempts.Result.Duplicate.class);
        Attempts other = Attempts.of(
                Inbox.builder("other", dataSource).on(TYPE, String.class, (text, context) -> effect(context, text)));
        assertThat(other.handle(message)).isInstanceOf(Attempts.Result.Handled.class);
        assertThat(query("select name from effects")).containsExactly("a", "{\"name\":\"a\"}");
    }

    @Test
    void H35_aFailureLeavesNeitherEffectNorMark() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        Attempts inbox = Attempts.of(inbox().on(TYPE, String.class, (text, context) -> {
            effect(context, text);
            if (runs.incrementAndGet() < 3) {
                throw new IllegalStateException("after the effect");
            }
        }));
        Message message = message("1", "k", "a");
        assertThat(inbox.handle(message)).isInstanceOf(Attempts.Result.Failed.class);
        assertThat(query("select name from effects")).isEmpty();
        assertThat(query("select event_id from posthaste_inbox")).isEmpty();
        assertThat(inbox.handle(message)).isInstanceOf(Attempts.Result.Failed.class);
        assertThat(inbox.handle(message)).isInstanceOf(Attempts.Result.Handled.class);
        assertThat(query("select name from effects")).containsExactly("a");
    }

    @Test
    void H35_deathBetweenAnyTwoStepsHasOneEffect() throws Exception {
        int step = 0;
        boolean died;
        do {
            String name = "step-" + ++step;
            Message message = message(name, "k", name);
            DyingDataSource dying = new DyingDataSource(dataSource, step);
            for (DataSource each : List.of(dying.dataSource(), dataSource)) {
                Attempts.of(Inbox.builder("test", each)
                                .on(TYPE, String.class, (text, context) -> effect(context, text)))
                        .handle(message);
            }
            assertThat(query("select name from effects where name = '" + name + "'"))
                    .as("after death at step %d", step)
                    .hasSize(1);
            died = dying.died();
        } while (died);
        assertThat(step).as("steps, the last of which was not reached").isGreaterThan(4);
    }

    @Test
    void H35_twoDeliveriesAtOnceHaveOneEffect() throws Exception {
        CountDownLatch both = new CountDownLatch(2);
        Attempts inbox = Attempts.of(inbox().on(TYPE, String.class, (text, context) -> {
            both.countDown();
            both.await(300, TimeUnit.MILLISECONDS);
            effect(context, text);
        }));
        Message message = message("1", "k", "a");
        CompletableFuture<Attempts.Result> first = CompletableFuture.supplyAsync(() -> inbox.handle(message));
        CompletableFuture<Attempts.Result> second = CompletableFuture.supplyAsync(() -> inbox.handle(message));
        List<Attempts.Result> results = List.of(first.get(30, TimeUnit.SECONDS), second.get(30, TimeUnit.SECONDS));
        assertThat(results)
                .filteredOn(Attempts.Result.Handled.class::isInstance)
                .hasSize(1);
        assertThat(query("select name from effects")).containsExactly("a");
    }

    @Test
    void whatCanNeverBeHandledIsRefused() throws Exception {
        Attempts inbox = Attempts.of(inbox().on(TYPE, Order.class, (order, context) -> {
            throw new RejectedEventException("not of this world");
        }));
        assertThat(inbox.handle(message("1", "k", "{ this is not JSON")))
                .isInstanceOfSatisfying(
                        Attempts.Result.Refused.class,
                        refused -> assertThat(refused.reason()).contains("cannot be read"));
        assertThat(inbox.handle(message("2", "k", "{\"name\":\"a\"}")))
                .isInstanceOfSatisfying(
                        Attempts.Result.Refused.class,
                        refused -> assertThat(refused.reason()).isEqualTo("not of this world"));
        assertThat(inbox.handle(Message.of("t", new byte[0]))).isInstanceOf(Attempts.Result.Refused.class);
        assertThat(inbox.handle(Message.of("t", new byte[0])
                        .headers(Map.of(MessageHeaders.EVENT_ID, "3", MessageHeaders.EVENT_TYPE, "other"))))
                .isInstanceOfSatisfying(
                        Attempts.Result.Refused.class,
                        refused -> assertThat(refused.reason()).contains("no handler", "other"));
        assertThat(query("select event_id from posthaste_inbox")).isEmpty();
    }

    @Test
    void H15_aContentThatIsNotWhatWasSentIsRefused() throws Exception {
        Attempts inbox = Attempts.of(inbox().on(TYPE, String.class, (text, context) -> effect(context, text)));
        Message sent = message("1", "k", "right");
        String digest = Digest.of("1", sent.body());
        assertThat(inbox.handle(message("1", "k", "wrong").headers(Map.of(MessageHeaders.DIGEST, digest))))
                .isInstanceOfSatisfying(
                        Attempts.Result.Refused.class,
                        refused -> assertThat(refused.reason()).contains("digest"));
        assertThat(inbox.handle(sent.headers(Map.of(MessageHeaders.DIGEST, digest))))
                .isInstanceOf(Attempts.Result.Handled.class);
        assertThat(query("select name from effects")).containsExactly("right");
    }

    @Test
    void H36_theKeysLaterEventsWaitBehindAFailingOneAndOtherKeysGoOn() throws Exception {
        List<String> order = new CopyOnWriteArrayList<>();
        CountDownLatch otherHandled = new CountDownLatch(1);
        Inbox.Builder inbox = inbox().on(TYPE, String.class, (text, context) -> {
            if (text.equals("a1") && otherHandled.getCount() > 0) {
                throw new IllegalStateException("not before b1");
            }
            effect(context, text);
            order.add(text);
            if (text.equals("b1")) {
                otherHandled.countDown();
            }
        });
        CountDownLatch done = new CountDownLatch(3);
        try (Inbox consumer = inbox.retry(
                                RetryPolicy.fixed(Duration.ofMillis(20)).attempts(1000))
                        .build();
                LocalBroker broker = LocalBroker.to(consumer)) {
            broker.publish(message("1", "a", "a1"), outcome -> done.countDown());
            broker.publish(message("2", "a", "a2"), outcome -> done.countDown());
            broker.publish(message("3", "b", "b1"), outcome -> done.countDown());
            assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(order).containsExactly("b1", "a1", "a2");
    }

    @Test
    void afterTheLastAttemptAnEventIsDeadLetteredAndItsKeyGoesOn() throws Exception {
        Inbox.Builder inbox = inbox().on(TYPE, String.class, (text, context) -> {
            if (text.equals("bad")) {
                throw new IllegalStateException("always");
            }
            effect(context, text);
        });
        CompletableFuture<Outcome> bad = new CompletableFuture<>();
        CompletableFuture<Outcome> good = new CompletableFuture<>();
        try (Inbox consumer = inbox.retry(
                                RetryPolicy.fixed(Duration.ofMillis(1)).attempts(3))
                        .build();
                LocalBroker broker = LocalBroker.to(consumer)) {
            broker.publish(message("1", "a", "bad"), bad::complete);
            broker.publish(message("2", "a", "good"), good::complete);
            assertThat(bad.get(30, TimeUnit.SECONDS)).isInstanceOfSatisfying(Outcome.Rejected.class, rejected -> {
                assertThat(rejected.permanent()).isTrue();
                assertThat(rejected.reason()).contains("3 attempts", "always");
            });
            assertThat(good.get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.handled());
        }
        assertThat(query("select name from effects")).containsExactly("good");
    }

    @Test
    void retentionForgetsWhatWasHandledLongAgo() throws Exception {
        Attempts inbox = Attempts.of(inbox().on(TYPE, String.class, (text, context) -> {}));
        for (int i = 0; i < 5; i++) {
            inbox.handle(message(Event.newId(), "k", "x"));
        }
        InboxTable table = new InboxTable(dialect);
        assertThat(table.purge(dataSource, "other", Duration.ofMinutes(-1), 10)).isZero();
        assertThat(table.purge(dataSource, "test", Duration.ofDays(30), 10)).isZero();
        assertThat(table.purge(dataSource, "test", Duration.ofMinutes(-1), 3)).isEqualTo(3);
        assertThat(table.purge(dataSource, "test", Duration.ofMinutes(-1), 3)).isEqualTo(2);
        assertThat(query("select event_id from posthaste_inbox")).isEmpty();
    }

    @Test
    void anInboxForgetsByItself() throws Exception {
        Attempts.of(inbox().on(TYPE, String.class, (text, context) -> {})).handle(message("old", "k", "x"));
        try (Inbox forgetful = inbox().keep(Duration.ofMillis(1)).build()) {
            try (Connection connection = dataSource.getConnection()) {
                connection.setAutoCommit(false);
                forgetful.once(connection, "new", () -> {});
                connection.rollback();
                connection.setAutoCommit(true);
            }
            until("the note is gone", DatabaseContract::pause, () -> {
                try {
                    return query("select event_id from posthaste_inbox").isEmpty();
                } catch (SQLException e) {
                    throw new AssertionError(e);
                }
            });
        }
    }
}
