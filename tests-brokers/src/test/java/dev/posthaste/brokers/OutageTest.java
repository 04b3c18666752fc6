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
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.kafka.KafkaSettings;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.Test;

/** A Kafka outage longer than all retries together. */
class OutageTest {
    private static final Duration LONG = Duration.ofMinutes(2);
    private static final String TYPE = "order.placed";
    private static final RetryPolicy SHORT =
            RetryPolicy.fixed(Duration.ofMillis(50)).attempts(3);
    private static final Catalog CATALOG = Catalog.of(OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("orders-topic"))
            .types(TYPE));

    private final AtomicInteger written = new AtomicInteger();

    private void write(TestDatabase database, JdbcOutbox outbox, int count) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            for (int i = 0; i < count; i++) {
                int number = written.getAndIncrement();
                outbox.write(connection, Event.of(TYPE, "key-" + number % 7, Integer.toString(number)));
                connection.commit();
            }
        }
    }

    @Test
    void H33_aBrokerThatIsAwayTwiceForLongerThanAllBackoffsKillsAndReordersNothing() throws Exception {
        JdbcOutbox outbox = JdbcOutbox.of(CATALOG);
        try (TestDatabase database = DatabaseServer.of(Database.MARIADB).createDatabase();
                KafkaServer kafka = KafkaServer.start(1, Map.of())) {
            Schema.create(database.dataSource(), CATALOG);
            KafkaSettings settings = KafkaSettings.of(kafka.bootstrap()).createTopics(3, 1);
            try (KafkaBroker broker = KafkaBroker.of(settings);
                    Relay relay = Relay.builder(database.pool(4), CATALOG.all(o -> o.retry(SHORT)), broker)
                            .build()
                            .start()) {
                assertThat(relay.name()).isNotBlank();
                for (int outage = 0; outage < 2; outage++) {
                    write(database, outbox, 100);
                    kafka.kill();
                    write(database, outbox, 100);
                    long past = System.nanoTime() + Duration.ofSeconds(5).toNanos(); // all backoffs: 0.15 s
                    await().atMost(LONG).until(() -> System.nanoTime() > past);
                    kafka.startAgain();
                    await().atMost(LONG)
                            .until(() -> database.count("select count(*) from orders where status = 'published'")
                                    == written.get());
                }
                assertThat(database.query("select distinct status, attempts from orders"))
                        .as("no attempt was counted")
                        .containsExactly("published|0");
            }
            Map<String, List<Integer>> arrived = firstArrivals(kafka);
            for (int key = 0; key < 7; key++) {
                int mine = key;
                assertThat(arrived.get("key-" + key))
                        .containsExactlyElementsOf(IntStream.range(0, written.get())
                                .filter(number -> number % 7 == mine)
                                .boxed()
                                .toList());
            }
        }
    }

    private static Map<String, List<Integer>> firstArrivals(KafkaServer kafka) {
        Map<String, List<Integer>> arrived = new LinkedHashMap<>();
        try (KafkaConsumer<String, String> reader = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka.bootstrap()), new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> all = IntStream.range(0, 3)
                    .mapToObj(i -> new TopicPartition("orders-topic", i))
                    .toList();
            reader.assign(all);
            reader.seekToBeginning(all);
            Map<TopicPartition, Long> ends = reader.endOffsets(all);
            while (all.stream().anyMatch(each -> reader.position(each) < ends.getOrDefault(each, 0L))) {
                reader.poll(Duration.ofMillis(100)).forEach(record -> {
                    List<Integer> of = arrived.computeIfAbsent(record.key(), key -> new ArrayList<>());
                    Integer number = Integer.valueOf(record.value());
                    if (!of.contains(number)) {
                        of.add(number);
                    }
                });
            }
        }
        return arrived;
    }
}
