package dev.posthaste.brokers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.TableLayout;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Outcome;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.inbox.AfterLastAttempt;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.kafka.KafkaSettings;
import dev.posthaste.rabbitmq.RabbitBroker;
import dev.posthaste.rabbitmq.RabbitSettings;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.internal.RelayTesting;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.ExistingTables;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.RabbitServer;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.internal.RecordingBroker;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Programs that know only SQL fill their tables; relays publish from them without the right to create anything. */
class ForeignWritersTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final AtomicInteger NEXT = new AtomicInteger();
    private static final String LIMITED = "ph_limited";

    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private final String prefix = "fw" + ProcessHandle.current().pid() + "-" + NEXT.incrementAndGet();
    private TestDatabase database;
    private TestDatabase leases;

    private <T extends AutoCloseable> T opened(T resource) {
        open.push(resource);
        return resource;
    }

    @AfterEach
    void close() throws Exception {
        while (!open.isEmpty()) {
            open.pop().close();
        }
    }

    /** The table as its program created it, and a pool whose user may only read, change and delete its rows. */
    private HikariDataSource tableOf(Database kind, ExistingTables table) throws Exception {
        database = opened(DatabaseServer.of(kind).createDatabase());
        leases = opened(DatabaseServer.of(kind).createDatabase());
        table.create(database);
        Schema.createLeases(database.dataSource(), leases.name());
        String tableName = table.table();
        database.execute("create user if not exists '" + LIMITED + "'@'%' identified by 'limited'");
        database.execute(
                "grant select, update, delete on " + database.name() + "." + tableName + " to '" + LIMITED + "'@'%'");
        database.execute("grant select, insert, update, delete on " + leases.name() + ".* to '" + LIMITED + "'@'%'");
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(
                database.url().replace("user=root", "user=" + LIMITED).replace("password=", "password=limited"));
        config.setMaximumPoolSize(4);
        return opened(new HikariDataSource(config));
    }

    private Relay.Builder relay(HikariDataSource pool, Catalog catalog, Broker broker) {
        return Relay.builder(pool, catalog, broker).leasesIn(leases.name());
    }

    private void awaitRows(String sql, String... rows) {
        await().atMost(LONG).untilAsserted(() -> assertThat(database.query(sql)).containsExactly(rows));
    }

    // --- outbox_events, to RabbitMQ unchanged ------------------------------------------------------------------------

    private static final String EVENTS =
            "select status, retry_count, last_error, next_attempt_at is null from outbox_events";

    private static OutboxDefinition config(Route route) {
        return OutboxDefinition.named("config")
                .route(route)
                .types("config.history.created")
                .table(ExistingTables.OUTBOX_EVENTS.table())
                .layout(TableLayout.mapped(ExistingTables.OUTBOX_EVENTS.layout()));
    }

    @ParameterizedTest
    @EnumSource(names = {"MARIADB", "MYSQL"})
    void theConfigurationCentresRowsGoToRabbitMqAsTheyAre(Database kind) throws Exception {
        HikariDataSource pool = tableOf(kind, ExistingTables.OUTBOX_EVENTS);
        Route route = Route.to("tmadminsrv_service")
                .routingKey("tmadminsrv_config_history")
                .group(prefix + "_queue");
        OutboxDefinition outbox = config(route);
        RabbitSettings rabbit = RabbitSettings.of(RabbitServer.shared().uri()).declare(true);
        ExistingTables.OUTBOX_EVENTS.insert(database);
        Relay relay = relay(pool, Catalog.of(outbox), opened(RabbitBroker.of(rabbit)))
                .build()
                .start();
        try (relay) {
            awaitRows(EVENTS, "1|0|null|1");
        }
        ConnectionFactory factory = new ConnectionFactory();
        factory.setUri(RabbitServer.shared().uri());
        try (Connection connection = factory.newConnection()) {
            Channel channel = connection.createChannel();
            GetResponse got = channel.basicGet(prefix + "_queue", true);
            assertThat(JsonMapper.shared().readTree(got.getBody()))
                    .isEqualTo(JsonMapper.shared()
                            .readTree(database.query("select payload from outbox_events")
                                    .get(0)));
            assertThat(got.getProps().getMessageId()).isEqualTo("2f0c1d34-7a51-4c8e-9a55-0a6f0f5f1c01");
            assertThat(got.getProps().getType()).isEqualTo("config.history.created");
            channel.queueDelete(prefix + "_queue");
            channel.queueDelete(RabbitBroker.errorQueue(prefix + "_queue"));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"MARIADB", "MYSQL"})
    void theConfigurationCentresRowsAreTriedAgainOnTheirOwnPolicyAndCleanedUp(Database kind) throws Exception {
        HikariDataSource pool = tableOf(kind, ExistingTables.OUTBOX_EVENTS);
        OutboxDefinition outbox = config(Route.to("tmadminsrv_service").routingKey("tmadminsrv_config_history"));
        ExistingTables.OUTBOX_EVENTS.insert(database);
        String longReason = "x".repeat(3000);
        RecordingBroker broker = new RecordingBroker().answering(message -> Outcome.rejected(longReason));
        Relay relay = relay(pool, Catalog.of(outbox), broker).build().start();
        try (relay) {
            awaitRows("select status, retry_count, length(last_error) from outbox_events", "0|1|2000");
            assertThat(database.count("select timestampdiff(second, now(), next_attempt_at) from outbox_events"))
                    .isBetween(2L, 7L);
            database.execute("update outbox_events set retry_count = 6, next_attempt_at = now()");
            awaitRows("select status, retry_count from outbox_events", "0|7");
            assertThat(database.count("select timestampdiff(second, now(), next_attempt_at) from outbox_events"))
                    .as("5 s doubled six times, give or take a fifth")
                    .isBetween(250L, 390L);
            database.execute("update outbox_events set next_attempt_at = now()");
            awaitRows("select status, retry_count from outbox_events", "2|8");
        }
        database.execute("update outbox_events set status = 0, retry_count = 0, next_attempt_at = null");
        broker.answering(message -> Outcome.acknowledged());
        Relay again = RelayTesting.measureEvery(
                        relay(pool, Catalog.of(outbox.keep(Duration.ZERO)), broker), Duration.ofMinutes(1))
                .build();
        try (again) {
            again.start();
            awaitRows("select status from outbox_events", "1");
        }
        assertThat(broker.arrived()).hasSize(1);
        awaitRows("select updated_at < now() from outbox_events", "1");
        Relay cleaner = RelayTesting.measureEvery(
                        relay(pool, Catalog.of(outbox.keep(Duration.ZERO)), broker), Duration.ofMillis(200))
                .build();
        try (cleaner) {
            cleaner.start();
            awaitRows("select count(*) from outbox_events", "0");
        }
    }

    // --- agent_outbox_messages, to Kafka in the envelope -------------------------------------------------------------

    private static final String MESSAGES = "select status, retry_count, next_retry_at is null, published_at is null,"
            + " consumed_at is null from agent_outbox_messages order by id";

    private Catalog agents() {
        return Catalog.forServices("smartflow")
                .outbox(
                        "agent",
                        outbox -> outbox.types("chat.history.persist.requested")
                                .layout(TableLayout.mapped(ExistingTables.AGENT_OUTBOX_MESSAGES.layout()))
                                .route(Route.topic("smartflow.agent.outbox").group(prefix + "-group"))
                                .tracked(true));
    }

    private static KafkaSettings kafka() {
        return KafkaSettings.of(KafkaServer.shared().bootstrap());
    }

    private Inbox.Builder consumer(Catalog catalog, Handler<JsonNode> handler) throws Exception {
        Schema.create(database.dataSource(), Catalog.empty());
        return Inbox.builder("agent", database.dataSource())
                .on("chat.history.persist.requested", JsonNode.class, handler)
                .format(MessageFormat.ENVELOPE)
                .receipts(Receipts.inDatabase(catalog.all(o -> o.retry(RetryPolicy.quadratic()))));
    }

    @ParameterizedTest
    @EnumSource(names = {"MARIADB", "MYSQL"})
    void theAgentsRowsGoToKafkaInTheirEnvelopeAndEndConsumed(Database kind) throws Exception {
        HikariDataSource pool = tableOf(kind, ExistingTables.AGENT_OUTBOX_MESSAGES);
        Catalog catalog = agents();
        Route route = catalog.outbox("agent").route();
        KafkaServer.shared().createTopic(route.destination(), 2);
        long before = records(route.destination()).size();
        ExistingTables.AGENT_OUTBOX_MESSAGES.insert(database);
        KafkaBroker kafka = opened(KafkaBroker.of(kafka()));
        database.execute(
                "insert into agent_outbox_messages (biz_type, topic, message_key, payload, status, next_retry_at)"
                        + " values ('chat.history.persist.requested', 'smartflow.agent.outbox', 'conv-2', 'no envelope',"
                        + " 'pending', now(3))");
        Relay relay = relay(
                        pool, catalog.all(o -> o.format(MessageFormat.ENVELOPE).retry(RetryPolicy.quadratic())), kafka)
                .build()
                .start();
        List<String> handled = new CopyOnWriteArrayList<>();
        try (relay) {
            awaitRows(MESSAGES, "published|0|1|0|1", "dead|1|1|1|1");
            assertThat(database.query("select last_error from agent_outbox_messages where status = 'dead'")
                            .get(0))
                    .contains("not an envelope");
            Inbox consumer = consumer(catalog, (message, context) -> {
                        handled.add(
                                context.eventId() + " " + message.path("text").asString());
                    })
                    .build();
            kafka.subscribe(route, consumer);
            awaitRows(MESSAGES, "consumed|0|1|0|0", "dead|1|1|1|1");
            kafka.close();
            consumer.close();
        }
        assertThat(handled).containsExactly("agent-1 hello");
        List<ConsumerRecord<String, String>> sent = records(route.destination());
        assertThat(sent).hasSize((int) before + 1);
        ConsumerRecord<String, String> record = sent.stream()
                .filter(each -> each.key().equals("conv-1"))
                .reduce((first, second) -> second)
                .orElseThrow();
        assertThat(JsonMapper.shared().readTree(record.value()))
                .isEqualTo(JsonMapper.shared().readTree("""
                {"outbox_id":1, "event_id":"1", "event_type":"chat.history.persist.requested", "event_version":"v1",
                 "service_name":"agent", "aggregate_id":"conv-1", "payload":{"role":"user","text":"hello"}}
                """));
    }

    private static List<ConsumerRecord<String, String>> records(String topic) {
        Map<String, Object> properties =
                Map.of("bootstrap.servers", KafkaServer.shared().bootstrap());
        try (KafkaConsumer<String, String> reader =
                new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> all = reader.partitionsFor(topic).stream()
                    .map(each -> new TopicPartition(topic, each.partition()))
                    .toList();
            reader.assign(all);
            reader.seekToBeginning(all);
            Map<TopicPartition, Long> ends = reader.endOffsets(all);
            List<ConsumerRecord<String, String>> records = new ArrayList<>();
            while (all.stream().anyMatch(each -> reader.position(each) < ends.getOrDefault(each, 0L))) {
                reader.poll(Duration.ofMillis(100)).forEach(records::add);
            }
            return records;
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"MARIADB", "MYSQL"})
    void aHandlerThatFailsSendsTheAgentsRowBackAfterNSquaredSeconds(Database kind) throws Exception {
        HikariDataSource pool = tableOf(kind, ExistingTables.AGENT_OUTBOX_MESSAGES);
        Catalog catalog = agents();
        ExistingTables.AGENT_OUTBOX_MESSAGES.insert(database);
        AtomicInteger runs = new AtomicInteger();
        Inbox consumer = consumer(catalog, (message, context) -> {
                    if (runs.incrementAndGet() < 3) {
                        throw new IllegalStateException("run " + runs);
                    }
                })
                .retry(RetryPolicy.fixed(Duration.ZERO).attempts(1))
                .afterLastAttempt(AfterLastAttempt.REDELIVER)
                .build();
        dev.posthaste.broker.LocalBroker broker = opened(dev.posthaste.broker.LocalBroker.to(opened(consumer)));
        Relay relay = relay(
                        pool, catalog.all(o -> o.format(MessageFormat.ENVELOPE).retry(RetryPolicy.quadratic())), broker)
                .build()
                .start();
        try (relay) {
            awaitRows("select status, retry_count from agent_outbox_messages", "pending|1");
            awaitRows("select status, retry_count from agent_outbox_messages", "pending|2");
            assertThat(database.query("select last_error from agent_outbox_messages")
                            .get(0))
                    .contains("run 2");
            assertThat(database.count(
                            "select timestampdiff(microsecond, now(6), next_retry_at) from agent_outbox_messages"))
                    .as("four seconds after the second failure")
                    .isBetween(1_000_000L, 4_001_000L);
            awaitRows("select status, retry_count from agent_outbox_messages", "consumed|2");
            database.execute("insert into agent_outbox_messages (biz_type, topic, message_key, payload, status,"
                    + " retry_count, max_retry, next_retry_at) values ('task.forgotten', 'smartflow.agent.outbox', 'k',"
                    + " '{\"payload\":{}}', 'pending', 0, 1, now(3))");
            awaitRows("select status, retry_count from agent_outbox_messages order by id", "consumed|2", "dead|1");
        }
        assertThat(runs).hasValue(3);
    }
}
