package dev.posthaste.reliability.torture;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.rabbitmq.RabbitBroker;
import dev.posthaste.relay.OutboxPolicy;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelaySettings;
import java.time.Duration;

/** A relay, on the local broker with its consumer; SIGTERM closes it. */
final class RelayProcess {
    private RelayProcess() {}

    public static void main(String[] arguments) throws Exception {
        Setup setup = Setup.of(arguments);
        HikariDataSource dataSource = setup.pool(4);
        Broker broker = switch (setup.wire()) {
            case KAFKA -> new KafkaBroker(setup.kafka());
            case RABBITMQ -> new RabbitBroker(setup.rabbit());
            case LOCAL -> new LocalBroker().subscribe(new ConsumerProcess(setup, arguments[5]).start());
        };
        while (true) {
            try {
                Relay relay = Relay.builder(dataSource, setup.catalog())
                        .name(arguments[5])
                        .broker(broker)
                        .policy(OutboxPolicy.defaults()
                                .withRetry(Setup.RETRY)
                                .withKeep(Duration.ofSeconds(30), false)
                                .withConsumedWithin(Duration.ofSeconds(60), true))
                        .settings(RelaySettings.defaults().withLease(Setup.LEASE, Duration.ofMillis(1_400)))
                        .measureEvery(Duration.ofSeconds(2))
                        .build()
                        .start();
                Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                    relay.close();
                    broker.close();
                }));
                Thread.currentThread().join();
            } catch (RuntimeException e) {
                System.out.println("cannot start yet: " + e);
                Thread.sleep(500); // the database may be away just now
            }
        }
    }
}
