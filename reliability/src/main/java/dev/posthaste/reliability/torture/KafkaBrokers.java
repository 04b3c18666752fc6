package dev.posthaste.reliability.torture;

import dev.posthaste.Route;
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.Proxy;
import dev.posthaste.servers.SmallDisk;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;
import org.jspecify.annotations.Nullable;

/** A testbed's Kafka: one broker behind a proxy and on a small disk, or a cluster; and its topics. */
final class KafkaBrokers {
    /** Per partition of a cluster's topic; all of them must have what is acknowledged. */
    static final short REPLICAS = 2;

    private static final Map<String, String> SETTINGS = Map.of(
            "auto.create.topics.enable",
            "false",
            "transaction.state.log.num.partitions",
            "2",
            "group.max.session.timeout.ms",
            "60000");

    private KafkaBrokers() {}

    /** A broker whose clients connect through the proxy. */
    static KafkaServer one(Proxy proxy, @Nullable SmallDisk disk) {
        Map<String, String> properties = new HashMap<>(SETTINGS);
        properties.put("advertised.listeners", "PLAINTEXT://127.0.0.1:" + proxy.port());
        if (disk != null) {
            properties.put("log.dirs", disk.path().resolve("data").toString());
        }
        return KafkaServer.start(1, properties);
    }

    static KafkaServer cluster(int brokers) {
        return KafkaServer.start(brokers, SETTINGS);
    }

    /** Creates the topics of the campaign's route if they do not exist. */
    static void createTopics(KafkaServer server, Setup setup) throws Exception {
        Route route = setup.wire().route();
        int replicas = server.brokers() == 1 ? 1 : REPLICAS;
        try (KafkaBroker broker = KafkaBroker.of(setup.kafka().createTopics(Testbed.PARTITIONS, replicas))) {
            broker.prepare(route);
            KafkaServer.awaitTopics(
                    setup.broker(),
                    route.destination(),
                    KafkaBroker.deadLetterTopic(Objects.requireNonNull(route.group())));
        }
        if (replicas == 1) {
            return;
        }
        AlterConfigOp all = new AlterConfigOp(
                new ConfigEntry("min.insync.replicas", Short.toString(REPLICAS)), AlterConfigOp.OpType.SET);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", setup.broker()))) {
            admin.incrementalAlterConfigs(
                            Map.of(new ConfigResource(ConfigResource.Type.TOPIC, route.destination()), List.of(all)))
                    .all()
                    .get(30, TimeUnit.SECONDS);
        }
    }
}
