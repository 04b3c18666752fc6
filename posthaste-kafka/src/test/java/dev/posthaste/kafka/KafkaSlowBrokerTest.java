package dev.posthaste.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Route;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A Kafka that is slow: how much is written twice, and whether publishing makes progress. */
class KafkaSlowBrokerTest {
    private static final AtomicInteger NEXT = new AtomicInteger();
    private static final Duration TIME = Duration.ofSeconds(8);
    private static final int KILOBYTE = 1_000;
    private static final int AT_ONCE = 400;
    private static final int PARTITIONS = 3;

    private final String topic = "slow-" + ProcessHandle.current().pid() + "-" + NEXT.incrementAndGet();

    @ParameterizedTest
    @CsvSource({"100000, 16", "20000, 8"})
    void B19_underAQuotaAlmostNothingIsWrittenTwiceAndTheQuotaIsUsed(int bytesPerSecond, int seconds) throws Exception {
        KafkaSettings settings = KafkaSettings.of(KafkaServer.shared().bootstrap());
        KafkaTopics.create(settings, PARTITIONS, 1, Route.to(topic));
        quota(settings, bytesPerSecond);
        try (KafkaBroker broker = KafkaBroker.of(settings.producer(Map.of("client.id", topic)))) {
            Driver driver = new Driver(broker, topic, 0, 100_000, KILOBYTE, AT_ONCE);
            int settled = driver.run(Duration.ofSeconds(seconds));
            driver.settle();
            Driver.Written written = Driver.written(settings, topic, PARTITIONS);
            String what = settled + " settled in time, " + written + ", " + driver.outcomes();
            // A request whose answer and deadline coincide may be written twice: one in a hundred.
            assertThat(written.copies()).as(what).isLessThan(Math.max(50, written.messages() / 20));
            assertThat(settled).as(what).isGreaterThan(bytesPerSecond / KILOBYTE * seconds / 2);
        }
    }

    private void quota(KafkaSettings settings, double bytesPerSecond) throws Exception {
        try (Admin admin = Admin.create(settings.adminProperties())) {
            admin.alterClientQuotas(List.of(new ClientQuotaAlteration(
                            new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, topic)),
                            List.of(new ClientQuotaAlteration.Op("producer_byte_rate", bytesPerSecond)))))
                    .all()
                    .get(60, TimeUnit.SECONDS);
        }
    }

    /** Requests and answers take a second each: most answers arrive after two or three, some later. */
    @Test
    void B19_whenAnswersComeLateNoMoreThanOneWindowIsWrittenTwiceAndEventsAreSettled() throws Exception {
        try (Proxy proxy = new Proxy();
                KafkaServer server =
                        KafkaServer.start(1, Map.of("advertised.listeners", "PLAINTEXT://127.0.0.1:" + proxy.port()))) {
            proxy.to(server.port());
            KafkaSettings settings = KafkaSettings.of("127.0.0.1:" + proxy.port());
            KafkaTopics.create(settings, PARTITIONS, 1, Route.to(topic));
            try (KafkaBroker broker = KafkaBroker.of(settings)) {
                assertThat(new Driver(broker, topic, 0, 100, KILOBYTE, 50).run(Duration.ofSeconds(60)))
                        .isEqualTo(100);
                proxy.slow(1_000, 0);
                Driver driver = new Driver(broker, topic, 100, 100_000, KILOBYTE, AT_ONCE);
                int settled = driver.run(TIME);
                driver.settle();
                proxy.heal();
                Driver.Written written = Driver.written(settings, topic, PARTITIONS);
                String what = settled + " settled in time, " + written + ", " + driver.outcomes();
                assertThat(written.copies()).as(what).isLessThan((int) InFlightWindow.FIRST_BYTES / KILOBYTE);
                assertThat(settled).as(what).isGreaterThan(50);
            }
        }
    }
}
