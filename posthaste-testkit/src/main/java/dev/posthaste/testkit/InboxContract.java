package dev.posthaste.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.EventId;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Digest;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.inbox.Consumer;
import dev.posthaste.inbox.ConsumerListener;
import dev.posthaste.inbox.ConsumerSettings;
import dev.posthaste.inbox.Context;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.InboxRetention;
import dev.posthaste.inbox.RejectEvent;
import java.nio.charset.StandardCharsets;
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
    /** What handlers in these tests read. */
    public record Order(String name) {}

    @BeforeEach
    void createEffects() throws Exception {
        execute("create table effects (name varchar(100))");
    }

    private static void effect(Context context, String name) throws SQLException {
        try (PreparedStatement insert =
                context.connection().prepareStatement("insert into effects (name) values (?)")) {
            insert.setString(1, name);
            insert.executeUpdate();
        }
    }

    private Inbox.Builder inbox() {
        return Inbox.builder(dataSource).consumer("test");
    }

    private static Message message(String id, String key, String body) {
        return new Message(
                "topic",
                null,
                key,
                Map.of(MessageHeaders.EVENT_ID, id, MessageHeaders.EVENT_TYPE, TYPE),
                body.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void anEventIsHandledOnceInEffect() throws Exception {
        Inbox inbox = inbox().on(TYPE, Order.class, (order, context) -> effect(context, order.name()))
                .build();
        Message message = message("1", "k", "{\"name\":\"a\"}");
        assertThat(inbox.handle(message)).isInstanceOf(Inbox.Result.Handled.class);
        assertThat(inbox.handle(message)).isInstanceOf(Inbox.Result.Duplicate.class);
        Inbox other = Inbox.builder(dataSource)
                .consumer("other")
                .on(TYPE, String.class, (text, context) -> effect(context, text))
                .build();
        assertThat(other.handle(message)).isInstanceOf(Inbox.Result.Handled.class);
        assertThat(query("select name from effects")).containsExactly("a", "{\"name\":\"a\"}");
    }

    @Test
    void H35_aFailureLeavesNeitherEffectNorMark() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        Inbox inbox = inbox().on(TYPE, String.class, (text, context) -> {
                    effect(context, text);
                    if (runs.incrementAndGet() < 3) {
                        throw new IllegalStateException("after the effect");
                    }
                })
                .build();
        Message message = message("1", "k", "a");
        assertThat(inbox.handle(message)).isInstanceOf(Inbox.Result.Failed.class);
        assertThat(query("select name from effects")).isEmpty();
        assertThat(query("select event_id from posthaste_inbox")).isEmpty();
        assertThat(inbox.handle(message)).isInstanceOf(Inbox.Result.Failed.class);
        assertThat(inbox.handle(message)).isInstanceOf(Inbox.Result.Handled.class);
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
                Inbox.builder(each)
                        .consumer("test")
                        .on(TYPE, String.class, (text, context) -> effect(context, text))
                        .build()
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
        Inbox inbox = inbox().on(TYPE, String.class, (text, context) -> {
                    both.countDown();
                    both.await(300, TimeUnit.MILLISECONDS);
                    effect(context, text);
                })
                .build();
        Message message = message("1", "k", "a");
        CompletableFuture<Inbox.Result> first = CompletableFuture.supplyAsync(() -> inbox.handle(message));
        CompletableFuture<Inbox.Result> second = CompletableFuture.supplyAsync(() -> inbox.handle(message));
        List<Inbox.Result> results = List.of(first.get(30, TimeUnit.SECONDS), second.get(30, TimeUnit.SECONDS));
        assertThat(results).filteredOn(Inbox.Result.Handled.class::isInstance).hasSize(1);
        assertThat(query("select name from effects")).containsExactly("a");
    }

    @Test
    void whatCanNeverBeHandledIsRefused() throws Exception {
        Inbox inbox = inbox().on(TYPE, Order.class, (order, context) -> {
                    throw new RejectEvent("not of this world");
                })
                .build();
        assertThat(inbox.handle(message("1", "k", "{ this is not JSON")))
                .isInstanceOfSatisfying(
                        Inbox.Result.Refused.class,
                        refused -> assertThat(refused.reason()).contains("cannot be read"));
        assertThat(inbox.handle(message("2", "k", "{\"name\":\"a\"}")))
                .isInstanceOfSatisfying(
                        Inbox.Result.Refused.class,
                        refused -> assertThat(refused.reason()).isEqualTo("not of this world"));
        assertThat(inbox.handle(new Message("t", null, null, Map.of(), new byte[0])))
                .isInstanceOf(Inbox.Result.Refused.class);
        assertThat(inbox.handle(new Message(
                        "t",
                        null,
                        null,
                        Map.of(MessageHeaders.EVENT_ID, "3", MessageHeaders.EVENT_TYPE, "other"),
                        new byte[0])))
                .isInstanceOfSatisfying(
                        Inbox.Result.Refused.class,
                        refused -> assertThat(refused.reason()).contains("no handler", "other"));
        assertThat(query("select event_id from posthaste_inbox")).isEmpty();
    }

    @Test
    void H15_aContentThatIsNotWhatWasSentIsRefused() throws Exception {
        Inbox inbox = inbox().on(TYPE, String.class, (text, context) -> effect(context, text))
                .build();
        Message sent = message("1", "k", "right");
        String digest = Digest.of("1", sent.body());
        assertThat(inbox.handle(message("1", "k", "wrong").with(Map.of(MessageHeaders.DIGEST, digest))))
                .isInstanceOfSatisfying(
                        Inbox.Result.Refused.class,
                        refused -> assertThat(refused.reason()).contains("digest"));
        assertThat(inbox.handle(sent.with(Map.of(MessageHeaders.DIGEST, digest))))
                .isInstanceOf(Inbox.Result.Handled.class);
        assertThat(query("select name from effects")).containsExactly("right");
    }

    @Test
    void H36_theKeysLaterEventsWaitBehindAFailingOneAndOtherKeysGoOn() throws Exception {
        List<String> order = new CopyOnWriteArrayList<>();
        CountDownLatch otherHandled = new CountDownLatch(1);
        Inbox inbox = inbox().on(TYPE, String.class, (text, context) -> {
                    if (text.equals("a1") && otherHandled.getCount() > 0) {
                        throw new IllegalStateException("not before b1");
                    }
                    effect(context, text);
                    order.add(text);
                    if (text.equals("b1")) {
                        otherHandled.countDown();
                    }
                })
                .build();
        CountDownLatch done = new CountDownLatch(3);
        try (LocalBroker broker = local(inbox, RetryPolicy.fixed(Duration.ofMillis(20), 1000))) {
            broker.publish(message("1", "a", "a1"), outcome -> done.countDown());
            broker.publish(message("2", "a", "a2"), outcome -> done.countDown());
            broker.publish(message("3", "b", "b1"), outcome -> done.countDown());
            assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(order).containsExactly("b1", "a1", "a2");
    }

    @Test
    void afterTheLastAttemptAnEventIsDeadLetteredAndItsKeyGoesOn() throws Exception {
        Inbox inbox = inbox().on(TYPE, String.class, (text, context) -> {
                    if (text.equals("bad")) {
                        throw new IllegalStateException("always");
                    }
                    effect(context, text);
                })
                .build();
        CompletableFuture<Outcome> bad = new CompletableFuture<>();
        CompletableFuture<Outcome> good = new CompletableFuture<>();
        try (LocalBroker broker = local(inbox, RetryPolicy.fixed(Duration.ofMillis(1), 3))) {
            broker.publish(message("1", "a", "bad"), bad::complete);
            broker.publish(message("2", "a", "good"), good::complete);
            assertThat(bad.get(30, TimeUnit.SECONDS)).isInstanceOfSatisfying(Outcome.Rejected.class, rejected -> {
                assertThat(rejected.permanent()).isTrue();
                assertThat(rejected.reason()).contains("3 attempts", "always");
            });
            assertThat(good.get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.HANDLED);
        }
        assertThat(query("select name from effects")).containsExactly("good");
    }

    private static LocalBroker local(Inbox inbox, RetryPolicy retry) {
        return new LocalBroker()
                .subscribe(new Consumer(inbox, ConsumerSettings.defaults().withRetry(retry), ConsumerListener.NONE));
    }

    @Test
    void retentionForgetsWhatWasHandledLongAgo() throws Exception {
        Inbox inbox = inbox().on(TYPE, String.class, (text, context) -> {}).build();
        for (int i = 0; i < 5; i++) {
            inbox.handle(message(EventId.next(), "k", "x"));
        }
        try (InboxRetention keep = new InboxRetention(inbox, Duration.ofDays(30), Duration.ofDays(7));
                InboxRetention drop =
                        new InboxRetention(inbox, Duration.ofNanos(-60_000_000_000L), Duration.ofDays(-7))) {
            assertThat(keep.runOnce()).isZero();
            assertThat(drop.runOnce()).isEqualTo(5);
        }
        assertThat(query("select event_id from posthaste_inbox")).isEmpty();
    }
}
