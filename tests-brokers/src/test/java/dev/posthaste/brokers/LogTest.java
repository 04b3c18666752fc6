package dev.posthaste.brokers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.InboxMeters;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.inbox.RejectedEventException;
import dev.posthaste.rabbitmq.RabbitBroker;
import dev.posthaste.rabbitmq.RabbitSettings;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelayMeters;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.RabbitServer;
import dev.posthaste.servers.TestDatabase;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.search.MeterNotFoundException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.Connection;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** What is logged, what is not, and what is measured. */
class LogTest {
    private static final String TYPE = "order.placed";
    private static final Catalog CATALOG = Catalog.of(OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("orders-topic"))
            .types(TYPE));

    private static final String SECRET = "s3cret";

    private static void write(DataSource dataSource, String... payloads) throws Exception {
        try (Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(false);
            for (String payload : payloads) {
                JdbcOutbox.of(CATALOG).write(connection, Event.of(TYPE, payload, payload + SECRET));
            }
            connection.commit();
            connection.setAutoCommit(true);
        }
    }

    private static Inbox consumer(DataSource dataSource, MeterRegistry registry) {
        return Inbox.builder("test", dataSource)
                .on(TYPE, String.class, (text, context) -> {
                    if (text.startsWith("reject")) {
                        throw new RejectedEventException("not of this world");
                    }
                    if (text.startsWith("fail")) {
                        throw new IllegalStateException("fails");
                    }
                })
                .retry(RetryPolicy.fixed(Duration.ofMillis(5)).attempts(3))
                .listener(InboxMeters.of(registry))
                .build();
    }

    @Test
    void H47_neitherPayloadsNorPasswordsAreEverLogged() throws Exception {
        MeterRegistry registry = new SimpleMeterRegistry();
        try (LogCapture log = new LogCapture();
                TestDatabase database = DatabaseServer.of(Database.H2).createDatabase()) {
            Schema.create(database.dataSource(), CATALOG);
            write(database.dataSource(), "fine", "reject", "fail");
            try (Inbox consumer = consumer(database.dataSource(), registry);
                    LocalBroker broker = LocalBroker.to(consumer);
                    Relay relay = Relay.builder(database.dataSource(), CATALOG, broker)
                            .listener(RelayMeters.of(registry))
                            .build()
                            .start()) {
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> database.count("select count(*) from \"orders\" where status = 'pending'") == 0);
            }
            database.execute(
                    "update \"orders\" set status = 'pending', headers = 'no json " + SECRET + "' where id = 1");
            String wrongPassword = RabbitServer.shared().uri().replace("guest:guest@", "guest:" + SECRET + "@");
            AtomicReference<Outcome> outcome = new AtomicReference<>();
            try (RabbitBroker broker = RabbitBroker.of(RabbitSettings.of(wrongPassword));
                    Relay relay = Relay.builder(
                                    database.dataSource(),
                                    CATALOG.all(o -> o.retry(RetryPolicy.fixed(Duration.ofMillis(50))
                                            .attempts(2))),
                                    broker)
                            .build()
                            .start()) {
                broker.publish(
                        Message.of("x", SECRET.getBytes(java.nio.charset.StandardCharsets.UTF_8))
                                .key("k")
                                .headers(java.util.Map.of()),
                        outcome::set);
                await().atMost(Duration.ofSeconds(30)).until(() -> outcome.get() != null);
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> database.count("select count(*) from \"orders\" where status = 'pending'") == 0);
            }
            assertThat(outcome.get()).isInstanceOf(Outcome.Unavailable.class);
            assertThat(outcome.get().toString()).doesNotContain(SECRET);
            assertThat(database.query("select last_error from \"orders\" order by id"))
                    .noneMatch(error -> error.contains(SECRET));
            assertThat(log.lines()).anyMatch(line -> line.contains("not of this world"));
            assertThat(log.lines()).noneMatch(line -> line.contains(SECRET));
        }
        assertThat(registry.getMeters().toString()).doesNotContain(SECRET);
    }

    @Test
    void metersSayWhatBecameOfEachEvent() throws Exception {
        MeterRegistry registry = new SimpleMeterRegistry();
        try (TestDatabase database = DatabaseServer.of(Database.H2).createDatabase()) {
            Schema.create(database.dataSource(), CATALOG);
            write(database.dataSource(), "fine", "fine too", "reject", "fail");
            try (Inbox consumer = consumer(database.dataSource(), registry);
                    LocalBroker broker = LocalBroker.to(consumer);
                    Relay relay = Relay.builder(database.dataSource(), CATALOG.all(UnaryOperator.identity()), broker)
                            .listener(RelayMeters.of(registry))
                            .build()
                            .start()) {
                await().atMost(Duration.ofSeconds(30))
                        .ignoreException(MeterNotFoundException.class)
                        .untilAsserted(() -> {
                            assertThat(registry.get("posthaste.relay.published")
                                            .counter()
                                            .count())
                                    .isEqualTo(2);
                            assertThat(registry.get("posthaste.relay.dead")
                                            .counter()
                                            .count())
                                    .isEqualTo(2);
                        });
                assertThat(registry.get("posthaste.relay.rejected").counter().count())
                        .isEqualTo(2);
                assertThat(registry.get("posthaste.relay.publish").timer().count())
                        .isEqualTo(2);
                assertThat(registry.get("posthaste.relay.time.to.publish")
                                .timer()
                                .count())
                        .isEqualTo(2);
                assertThat(registry.get("posthaste.relay.settle").timer().count())
                        .isPositive();
                assertThat(registry.get("posthaste.relay.fetch").timer().count())
                        .isPositive();
                assertThat(registry.get("posthaste.relay.lease.held").gauge().value())
                        .isEqualTo(1);
                assertThat(registry.get("posthaste.relay.lease.epoch").gauge().value())
                        .isEqualTo(1);
                assertThat(registry.get("posthaste.relay.broker.up").gauge().value())
                        .isEqualTo(1);
                assertThat(registry.get("posthaste.inbox.handled")
                                .tag("inbox", "test")
                                .timer()
                                .count())
                        .isEqualTo(2);
            }
        }
    }

    @Test
    void H34_anInboxThatForgetsSoonerThanOthersKeepIsWarnedAbout() throws Exception {
        try (LogCapture log = new LogCapture();
                TestDatabase database = DatabaseServer.of(Database.H2).createDatabase()) {
            Inbox.Builder inbox = Inbox.builder("forgetful", database.dataSource())
                    .receipts(
                            Receipts.inDatabase(CATALOG.all(o -> o.tracked(true).keep(Duration.ofDays(7)))));
            inbox.keep(Duration.ofDays(30)).build().close();
            assertThat(log.lines()).noneMatch(line -> line.contains("forgetful"));
            inbox.keep(Duration.ofDays(7)).build().close();
            assertThat(log.lines())
                    .anyMatch(line -> line.startsWith("WARN") && line.contains("forgetful") && line.contains("twice"));
        }
    }
}
