package dev.posthaste.reliability.torture;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.MessageProperties;
import dev.posthaste.Route;
import dev.posthaste.servers.RabbitServer;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;

/** RabbitMQ's faults while its server works. */
final class RabbitFaults {
    private static final int RPC_MILLIS = 5_000;

    private static final Duration ALARM = Duration.ofSeconds(4);
    private static final Duration FULL = Duration.ofSeconds(10);
    private static final Duration AWAY = Duration.ofSeconds(2);

    private final Testbed stage;
    private final RabbitServer server;
    private final Random random;
    private final Route route;
    private final String queue;
    private int bursts;

    RabbitFaults(Testbed stage, RabbitServer server, Random random) {
        this.stage = stage;
        this.server = server;
        this.random = random;
        this.route = stage.setup.wire().route();
        this.queue = Objects.requireNonNull(route.group());
    }

    void add(List<Fault> faults) {
        faults.add(new Fault(
                "broker's disk alarm",
                "broker",
                ALARM,
                () -> server.control("set_disk_free_limit", "1000000000000000"),
                () -> server.control("set_disk_free_limit", "50000000")));
        faults.add(new Fault(
                "broker's memory alarm",
                "broker",
                ALARM,
                () -> server.control("set_vm_memory_high_watermark", "0"),
                () -> server.control("set_vm_memory_high_watermark", "0.4")));
        faults.add(new Fault(
                "queue unbound",
                "topology",
                AWAY,
                () -> channel(channel -> channel.queueUnbind(queue, route.destination(), route.routingKey())),
                this::declare));
        faults.add(new Fault("exchange deleted", "topology", AWAY, this::deleteExchange, this::declare));
        faults.add(new Fault(
                "queue full and refusing messages",
                "topology",
                FULL,
                () -> refuseAbove(random.nextInt(2) * 50),
                () -> server.control("clear_policy", "full")));
        faults.add(Fault.atOnce("messages of others", "messages of others", () -> channel(this::publishForeign)));
    }

    /** Deletes the exchange while the broker has unconfirmed messages. */
    private void deleteExchange() throws Exception {
        channel(channel -> {
            Burst.MANY.write(stage, ++bursts);
            Thread.sleep(random.nextInt(200));
            channel.exchangeDelete(route.destination());
        });
    }

    private void refuseAbove(int messages) {
        server.control(
                "set_policy",
                "full",
                "^" + queue + "$",
                "{\"max-length\":" + messages + ",\"overflow\":\"reject-publish\"}",
                "--apply-to",
                "queues");
    }

    /** Publishes messages without Posthaste's headers: each becomes a dead letter, and nothing else happens. */
    private void publishForeign(Channel channel) throws Exception {
        channel.confirmSelect();
        for (byte[] body : Foreign.bodies()) {
            channel.basicPublish("", queue, MessageProperties.PERSISTENT_BASIC, body);
        }
        channel.waitForConfirmsOrDie(5_000);
    }

    /** Work to be done on a channel. */
    private interface Work {
        void on(Channel channel) throws Exception;
    }

    private void channel(Work work) throws Exception {
        ConnectionFactory factory = new ConnectionFactory();
        factory.setUri(stage.setup.broker());
        factory.setChannelRpcTimeout(RPC_MILLIS);
        com.rabbitmq.client.Connection connection = factory.newConnection("nemesis");
        try {
            work.on(connection.createChannel());
        } finally {
            // Closing would wait for a broker that another fault prevents from answering.
            connection.abort(RPC_MILLIS);
        }
    }

    private void declare() throws Exception {
        RabbitRoutes.declare(stage.setup);
    }
}
