package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxEvent;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Schema;
import dev.posthaste.inbox.EventContext;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.HandlerOptions;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.RejectedEventException;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Options of a single handler: its retries, and what happens after the last one. */
class HandlerOptionsTest {
    private static final String TYPE = "order.cancelled";

    private final Deliveries deliveries = new Deliveries();
    private final List<Integer> attempts = new CopyOnWriteArrayList<>();

    private static TestDatabase open(Database kind) throws SQLException {
        TestDatabase database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), Catalog.empty());
        database.execute("create table effects (name varchar(100))");
        return database;
    }

    private Inbox inbox(TestDatabase database, Handler<String> handler, UnaryOperator<HandlerOptions<String>> options) {
        return Inbox.builder("test", database.dataSource())
                .on(
                        TYPE,
                        String.class,
                        (text, context) -> {
                            attempts.add(context.attempt());
                            handler.handle(text, context);
                        },
                        options)
                .retry(RetryPolicy.fixed(Duration.ofMillis(1)).attempts(2))
                .build();
    }

    private static void effect(EventContext context, String name) throws SQLException {
        try (PreparedStatement insert =
                context.connection().prepareStatement("insert into effects (name) values (?)")) {
            insert.setString(1, name);
            insert.executeUpdate();
        }
    }

    private void deliver(Inbox inbox, String... texts) {
        for (String text : texts) {
            inbox.accept(deliveries.of(TYPE, "k", text));
        }
        deliveries.await(texts.length);
    }

    private static List<String> effects(TestDatabase database) {
        return database.query("select name from effects order by name");
    }

    private static List<String> notes(TestDatabase database) {
        return database.query("select event_id from posthaste_inbox order by event_id");
    }

    @ParameterizedTest
    @EnumSource
    void aFallbackRunsAfterTheLastAttemptInATransactionWithTheNote(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Inbox inbox = inbox(
                        database,
                        (text, context) -> {
                            effect(context, "handler");
                            throw new IllegalStateException("no");
                        },
                        h -> h.retry(RetryPolicy.fixed(Duration.ofMillis(1)).attempts(4))
                                .fallback(
                                        (text, context, cause) -> effect(context, text + " " + cause.getMessage())))) {
            deliver(inbox, "1");
            assertThat(deliveries.answers).containsExactly("done 1");
            assertThat(attempts).containsExactly(1, 2, 3, 4);
            assertThat(effects(database)).containsExactly("1 no");
            assertThat(notes(database)).containsExactly("1");
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFallbackThatFailsMakesADeadLetterAndLeavesNothing(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Inbox inbox = inbox(
                        database,
                        (text, context) -> {
                            throw new IllegalStateException("no");
                        },
                        h -> h.fallback((text, context, cause) -> {
                            effect(context, "fallback");
                            throw new IOException("nor that");
                        }))) {
            deliver(inbox, "1");
            assertThat(deliveries.answers.get(0)).startsWith("dead 1").contains("nor that", "no");
            assertThat(attempts).hasSize(2);
            assertThat(effects(database)).isEmpty();
            assertThat(notes(database)).isEmpty();
        }
    }

    @Test
    void aFallbackWaitsForWhatItIsNotToBlameForAndTheHandlerDoesNotRunAgain() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        try (TestDatabase database = open(Database.H2);
                Inbox inbox = inbox(
                        database,
                        (text, context) -> {
                            throw new IllegalStateException("no");
                        },
                        h -> h.fallback((text, context, cause) -> {
                            if (runs.incrementAndGet() < 4) {
                                throw new SQLException("deadlock", "40001");
                            }
                        }))) {
            deliver(inbox, "1");
            assertThat(deliveries.answers).containsExactly("done 1");
            assertThat(attempts).hasSize(2);
            assertThat(runs).hasValue(4);
        }
    }

    @Test
    void aFallbackDoesNotRunForWhatIsRejectedOrCannotBeRead() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        try (TestDatabase database = open(Database.H2);
                Inbox inbox = Inbox.builder("test", database.dataSource())
                        .on(
                                TYPE,
                                Integer.class,
                                (number, context) -> {
                                    throw new RejectedEventException("never");
                                },
                                h -> h.fallback((number, context, cause) -> runs.incrementAndGet()))
                        .build()) {
            deliver(inbox, "1", "not a number");
            assertThat(deliveries.answers).hasSize(2).allMatch(each -> each.startsWith("dead"));
            assertThat(runs).hasValue(0);
        }
    }

    @Test
    void onlySomeExceptionsAreWorthAnotherAttempt() throws Exception {
        Handler<String> handler = (text, context) -> {
            switch (text) {
                case "argument" -> throw new IllegalArgumentException("bad");
                case "number" -> throw new NumberFormatException("a subclass");
                case "cause" -> throw new IllegalStateException(new IllegalArgumentException("a cause"));
                default -> throw new UncheckedIOException(new IOException("away"));
            }
        };
        try (TestDatabase database = open(Database.H2)) {
            try (Inbox inbox = inbox(database, handler, h -> h.noRetryOn(IllegalArgumentException.class))) {
                deliver(inbox, "argument", "number", "cause", "io");
                assertThat(attempts).as("attempts of each event").containsExactly(1, 1, 1, 2, 1, 2);
            }
            attempts.clear();
            try (Inbox inbox = inbox(
                    database,
                    handler,
                    h -> h.retryOn(IllegalArgumentException.class, UncheckedIOException.class)
                            .noRetryOn(NumberFormatException.class))) {
                deliveries.answers.clear();
                deliver(inbox, "argument", "number", "cause", "io");
                assertThat(attempts).as("attempts of each event").containsExactly(1, 2, 1, 1, 1, 2);
            }
        }
    }

    @OutboxEvent("order.placed")
    record OrderPlaced(String product) {}

    @Test
    void anAnnotatedClassSaysTheType() throws Exception {
        List<String> seen = new CopyOnWriteArrayList<>();
        try (TestDatabase database = open(Database.H2);
                Inbox inbox = Inbox.builder("test", database.dataSource())
                        .on(OrderPlaced.class, (order, context) -> seen.add(context.type() + " " + order.product()))
                        .build()) {
            inbox.accept(deliveries.of(Deliveries.message("order.placed", "1", "k", "{\"product\":\"tea\"}")));
            deliveries.await(1);
            assertThat(seen).containsExactly("order.placed tea");
            assertThatThrownBy(() -> Inbox.builder("x", database.dataSource()).on(String.class, (text, context) -> {}))
                    .hasMessageContaining("@OutboxEvent");
        }
    }
}
