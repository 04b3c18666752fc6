package dev.posthaste.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.AfterDead;
import dev.posthaste.Route;
import dev.posthaste.kafka.KafkaSettings;
import dev.posthaste.server.config.Config;
import dev.posthaste.server.config.ConfigException;
import dev.posthaste.server.config.ConfigReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The configuration is read strictly, and everything that is wrong with it is reported together, with line numbers. */
@org.jspecify.annotations.NullUnmarked
class ConfigTest {
    private static final String HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA";

    @TempDir
    Path directory;

    private Config read(String yaml, Map<String, String> environment) throws Exception {
        Path file = directory.resolve("posthaste.yml");
        Files.writeString(file, yaml);
        return ConfigReader.read(file, environment);
    }

    private String wrong(String yaml) {
        ConfigException e =
                org.assertj.core.api.Assertions.catchThrowableOfType(ConfigException.class, () -> read(yaml, Map.of()));
        assertThat(e).as("nothing is wrong with it").isNotNull();
        return e.getMessage().replace(directory + "/", "");
    }

    @Test
    void theExampleThatIsShippedIsRight() throws Exception {
        Config config = ConfigReader.read(
                Path.of("../packaging/posthaste.yml"),
                Map.of("SHOP_DB_PASSWORD", "secret", "RABBIT_PASSWORD", "secret", "KAFKA_PASSWORD", "secret"));
        assertThat(config.outboxes()).isNotEmpty();
        assertThat(config.toString()).doesNotContain("secret");
    }

    @Test
    void everythingIsSaid() throws Exception {
        Files.writeString(directory.resolve("password"), "from a file\n");
        Config config = read("""
                name: east-1
                log: json
                databases:
                  shop: {url: "jdbc:postgresql://db/shop", user: shop, password: "${env:PW}", leases-in: posthaste}
                  crm: {url: "jdbc:mariadb://db/crm?password=x", password: "${file:%s/password}"}
                brokers:
                  rabbit: {url: "amqp://a:b@rabbit/shop", declare: true}
                  kafka: {url: "kafka://k1:9092,k2:9092", create-topics: {partitions: 12, replicas: 3}, client: {security.protocol: SSL}, producer: {linger.ms: 5}}
                outboxes:
                  orders:
                    database: shop
                    broker: rabbit
                    route: {destination: shop, routing-key: orders, group: orders-queue}
                    types: [order.placed]
                    allowed-destinations: [shop-replayed]
                    retry: {curve: quadratic, base: 1s, ceiling: 100s, attempts: forever, jitter: 0.1}
                    retention: {keep: 3d, delete-dead: true}
                    after-dead: block
                    max-per-second: 500
                    lag-limit: 30s
                  agent:
                    database: crm
                    broker: kafka
                    table: agent_outbox_messages
                    mapped:
                      column.id: id
                      column.type: biz_type
                      column.payload: payload
                      column.status: status
                      column.attempts: retry_count
                      column.next-attempt-at: next_retry_at
                      status.pending: pending
                      status.published: published
                      status.consumed: consumed
                      status.dead: dead
                    route: {destination: smartflow.agent.outbox}
                    tracked: true
                    format: cloudevents
                    source: /smartflow/agent
                receipts:
                  - {broker: kafka, destination: receipts, group: receipts}
                relay: {lease: 20s, publish-timeout: 6s, batch: 500, window-bytes: 16MiB}
                console:
                  address: 0.0.0.0
                  port: 9000
                  hosts: [ops.example]
                  mask: card
                  users: [{name: ada, password-hash: "%s", role: operator}]
                """.formatted(directory, HASH), Map.of("PW", "hidden"));
        assertThat(config.name()).isEqualTo("east-1");
        assertThat(config.jsonLog()).isTrue();
        assertThat(config.databases().get("shop").password()).isEqualTo("hidden");
        assertThat(config.databases().get("crm").password()).isEqualTo("from a file");
        assertThat(config.brokers().get("kafka").client()).containsEntry("security.protocol", "SSL");
        assertThat(config.brokers().get("kafka").kafka())
                .isEqualTo(KafkaSettings.of("k1:9092,k2:9092")
                        .client(Map.of("security.protocol", "SSL"))
                        .producer(Map.of("linger.ms", "5"))
                        .createTopics(12, 3));
        var orders = config.outboxes().get("orders");
        assertThat(orders.definition().retry().attempts()).isEqualTo(Integer.MAX_VALUE);
        assertThat(orders.definition().keep()).isEqualTo(Duration.ofDays(3));
        assertThat(orders.definition().afterDead()).isEqualTo(AfterDead.BLOCK);
        assertThat(orders.definition().lagLimit()).isEqualTo(Duration.ofSeconds(30));
        assertThat(config.outboxes().get("agent").definition().tracked()).isTrue();
        assertThat(config.relay().windowBytes()).isEqualTo(16 << 20);
        assertThat(config.console().mask()).containsExactly("card");
        assertThat(config.databases().toString() + config.brokers())
                .doesNotContain("hidden", "from a file", "a:b", "=x");
    }

    @Test
    void everyMistakeIsToldAtOnceWithItsLine() {
        assertThat(wrong("""
                        databases:
                          shop:
                            urll: jdbc:postgresql://db/shop
                            password: ${env:NOT_THERE}
                        brokers:
                          rabbit: {url: "http://rabbit"}
                        outboxes:
                          orders:
                            broker: rabit
                            rote: {destination: x}
                            retry: {base: soon}
                            max-per-second: -1
                          "two words": {route: {destination: x}}
                        console:
                          port: 99999
                          adress: 0.0.0.0
                        relay: {lease: 3s}
                        """).lines())
                .contains(
                        "posthaste.yml:3: there is no 'databases.shop.urll'; did you mean 'url'?",
                        "posthaste.yml:2: 'databases.shop.url' is missing",
                        "posthaste.yml:4: 'databases.shop.password': the environment has no NOT_THERE",
                        "posthaste.yml:6: 'brokers.rabbit.url' must begin with amqp://, amqps:// or kafka://",
                        "posthaste.yml:9: there is no broker 'rabit'; there are [rabbit]",
                        "posthaste.yml:10: there is no 'outboxes.orders.rote'; did you mean 'route'?",
                        "posthaste.yml:11: 'outboxes.orders.retry.base' must be a duration like 250ms, 10s, 5m, 12h or 7d, not 'soon'",
                        "posthaste.yml:12: 'outboxes.orders.max-per-second' must be a number from 0 to 1000000, not '-1'",
                        "posthaste.yml:15: 'console.port' must be a number from 0 to 65535, not '99999'",
                        "posthaste.yml:16: there is no 'console.adress'; did you mean 'address'?")
                .anyMatch(line -> line.startsWith("posthaste.yml:13: Not a usable outbox name"))
                .anyMatch(line -> line.startsWith("posthaste.yml:17: A lease of 3 s leaves no room"));
    }

    @Test
    void aRouteIsToldInTheWordsOfItsBrokerOrNeutralOnes() throws Exception {
        Config config = read("""
                databases: {shop: {url: "jdbc:h2:mem:x"}}
                brokers: {kafka: {url: "kafka://k:9092"}, rabbit: {url: "amqp://rabbit"}}
                outboxes:
                  one: {broker: kafka, route: {topic: t, group: g}, tracked: true}
                  two: {broker: rabbit, route: {exchange: e, routing-key: k, queue: q}}
                  three: {broker: rabbit, route: {destination: d, group: g}}
                receipts:
                  - {broker: kafka, topic: t, group: g}
                  - {broker: rabbit, exchange: e, routing-key: k, queue: q}
                  - {broker: rabbit, destination: d, group: g}
                """, Map.of());
        Route topic = Route.topic("t").group("g");
        Route exchange = Route.exchange("e").routingKey("k").queue("q");
        Route neutral = Route.to("d").group("g");
        assertThat(config.outboxes().values().stream()
                        .map(each -> each.definition().route()))
                .containsExactly(topic, exchange, neutral);
        assertThat(config.receipts().stream().map(Config.ReceiptsConfig::route))
                .containsExactly(topic, exchange, neutral);
    }

    @Test
    void aRouteThatNamesOneThingTwiceIsAMistake() {
        assertThat(wrong("""
                        databases: {shop: {url: "jdbc:h2:mem:x"}}
                        brokers: {kafka: {url: "kafka://k:9092"}}
                        outboxes:
                          one:
                            tracked: true
                            route:
                              topic: t
                              exchange: e
                              group: g
                              queue: q
                          two: {route: {group: g}}
                        receipts:
                          - {destination: d, topic: t, queue: q}
                          - {topic: t}
                        """).lines())
                .containsExactly(
                        "posthaste.yml:8: 'outboxes.one.route.topic' and 'outboxes.one.route.exchange' mean the same;"
                                + " use one of them",
                        "posthaste.yml:10: 'outboxes.one.route.group' and 'outboxes.one.route.queue' mean the same;"
                                + " use one of them",
                        "posthaste.yml:11: 'outboxes.two.route.destination' is missing (or topic, or exchange)",
                        "posthaste.yml:13: 'receipts[0].destination' and 'receipts[0].topic' mean the same;"
                                + " use one of them",
                        "posthaste.yml:14: 'receipts[1].group' is missing (or queue)");
    }

    /** The daemon would refuse it at its start, so {@code check} must not accept it. */
    @Test
    void E02_aBrokersPropertiesAreCheckedAsTheDaemonReadsThem() {
        assertThat(wrong("""
                        databases: {shop: {url: "jdbc:h2:mem:x"}}
                        brokers:
                          weak: {url: "kafka://k:9092", producer: {acks: "1"}}
                          eager: {url: "kafka://k:9092", client: {enable.auto.commit: "true"}}
                          strange: {url: "amqp://rabbit:port/x"}
                          mixed: {url: "amqp://rabbit", producer: {linger.ms: 5}}
                          declared: {url: "kafka://k:9092", declare: true}
                          created: {url: "amqp://rabbit", create-topics: {partitions: 3}}
                          uncounted: {url: "kafka://k:9092", create-topics: {replicas: 3}, prefetch: 0}
                        outboxes: {orders: {broker: weak, route: {destination: x}}}
                        """).lines())
                .containsExactly(
                        "posthaste.yml:3: Kafka's property acks is set by Posthaste, because its guarantees depend on it",
                        "posthaste.yml:4: Kafka's property enable.auto.commit is set by Posthaste, because its"
                                + " guarantees depend on it",
                        "posthaste.yml:5: Not a usable AMQP URI: amqp://rabbit:port/x",
                        "posthaste.yml:6: 'brokers.mixed.producer' is for Kafka",
                        "posthaste.yml:7: 'brokers.declared.declare' is for RabbitMQ",
                        "posthaste.yml:8: 'brokers.created.create-topics' is for Kafka",
                        "posthaste.yml:9: 'brokers.uncounted.prefetch' must be a number from 1 to 65535, not '0'",
                        "posthaste.yml:9: 'brokers.uncounted.create-topics.partitions' is missing");
    }

    @Test
    void H43_anAddressThatOthersReachWantsALogin() {
        String start = """
                databases: {shop: {url: "jdbc:h2:mem:x"}}
                brokers: {rabbit: {url: "amqp://rabbit"}}
                outboxes: {orders: {route: {destination: x}}}
                console:
                """;
        for (String address : new String[] {"0.0.0.0", "\"::\"", "10.1.2.3"}) {
            assertThat(wrong(start + "  address: " + address + "\n")).contains("posthaste.yml:5:", "without a login");
        }
        assertThat(wrong(start + "  trusted-proxy: {user-header: X-User}\n")).contains("'from' is missing");
        assertThat(wrong(start + "  users: [{name: ada, password-hash: plain}]\n"))
                .contains("hash-password");
        assertThat(wrong(start + "  users: [{name: ada, password-hash: \"" + HASH + "\", role: root}]\n"))
                .contains("must be one of viewer, reader, operator, not 'root'");
    }

    @Test
    void whatIsNoConfigurationIsToldInWords() {
        assertThat(wrong("a: [b")).contains("this is not YAML");
        assertThat(wrong("just text")).contains("the file must be a mapping");
        assertThat(wrong("")).contains("it names no outbox");
        assertThat(wrong("databases:\n  a: {url: x}\n  a: {url: y}\n")).contains("twice");
        assertThatThrownBy(() -> ConfigReader.read(directory.resolve("none.yml"), Map.of()))
                .hasMessageContaining("there is no such file");
    }

    @Test
    void C06_whatIsNestedTooDeeplyIsToldInWords() {
        for (String open : new String[] {"[", "{a: ", "- "}) {
            assertThat(wrong(open.repeat(100_000))).as(open).contains("nested too deeply");
        }
    }

    @Test
    void C10_whatIsTooLongOrTooLargeToBeCountedIsAMistake() {
        assertThat(wrong("""
                        databases: {shop: {url: "jdbc:h2:mem:x"}}
                        brokers: {rabbit: {url: "amqp://rabbit"}}
                        outboxes:
                          orders:
                            route: {destination: x}
                            retry: {base: 999999999999d, ceiling: 999999999999d}
                            retention: {keep: 36526d}
                            lag-limit: 999999999999h
                        relay:
                          lease: 999999999999d
                          publish-timeout: 0s
                          window-bytes: 17179869185GiB
                        """).lines())
                .contains(
                        "posthaste.yml:6: 'outboxes.orders.retry.ceiling' must be at most 100 years (36525d)",
                        "posthaste.yml:7: 'outboxes.orders.retention.keep' must be at most 100 years (36525d)",
                        "posthaste.yml:8: 'outboxes.orders.lag-limit' must be at most 100 years (36525d)",
                        "posthaste.yml:10: 'relay.lease' must be at most 100 years (36525d)",
                        "posthaste.yml:9: publishTimeout must be at least 1 ms, not 0 s",
                        "posthaste.yml:12: 'relay.window-bytes' must be a size like 64MiB, not '17179869185GiB'");
    }

    @Test
    void twoOutboxesShareNeitherTableNorType() {
        assertThat(wrong("""
                        databases: {shop: {url: "jdbc:h2:mem:x"}}
                        brokers: {rabbit: {url: "amqp://rabbit"}}
                        outboxes:
                          one: {route: {destination: x}, table: t, types: [a]}
                          two: {route: {destination: x}, table: t}
                          three: {route: {destination: x}, types: [a]}
                        """))
                .contains(
                        "outboxes 'one' and 'two' share the table t",
                        "event type 'a' belongs to outbox 'one' and to 'three'");
    }
}
