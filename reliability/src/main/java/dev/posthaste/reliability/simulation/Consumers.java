package dev.posthaste.reliability.simulation;

import dev.posthaste.Route;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Receiver;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.InboxListener;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.inbox.internal.InboxTesting;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.relay.ReceiptProcessor;
import dev.posthaste.relay.internal.ReceiptProcessors;
import java.time.Duration;
import javax.sql.DataSource;

/** Starts consumers, and the processors of the receipts that they send as messages. */
final class Consumers {
    private static final String TRACKING = "shipping";

    private final Surroundings around;
    private final Population population;
    private final Plugins plugins;
    private final Handlers handlers;
    private final ConsumerGroup group;
    private final ReceiptTopic receiptTopic;

    Consumers(Surroundings around, Population population, Plugins plugins, Handlers handlers) {
        this.around = around;
        this.population = population;
        this.plugins = plugins;
        this.handlers = handlers;
        this.group = new ConsumerGroup(around);
        this.receiptTopic = new ReceiptTopic(around.random, around.broker, around.truth);
    }

    void start(String place) {
        Node node = population.add(Node.Role.CONSUMER, place, 0);
        ConsumerGroup.Member member = group.join(node, receiver(node, TRACKING));
        population.repeat(node, 30_000_000L, () -> {
            member.poll();
            return false;
        });
    }

    /** Checks which members are still there, and reassigns the partitions if that changed. */
    void rebalance() {
        group.rebalance();
    }

    /**
     * Starts a processor of receipts that arrive as messages. If there are several, each of them reads all receipts.
     */
    void startIntake(String place) {
        Node node = population.add(Node.Role.INTAKE, place, 0);
        DataSource dataSource = around.dataSource(node);
        ReceiptProcessor processor = ReceiptProcessors.manual(
                around.configuration.catalog().all(o -> o.retry(around.configuration.retry)),
                outbox -> new RowStore(dataSource, Dialect.POSTGRESQL, outbox));
        ReceiptTopic.Reading reading = receiptTopic.new Reading(node, processor);
        population.repeat(node, 50_000_000L, () -> {
            reading.poll();
            return false;
        });
    }

    /** All consumers in the relay's process; one of them sends receipts. */
    Broker local(Node relay) {
        Node node = new Node(Node.Role.CONSUMER, "consumers of " + relay, 0);
        node.joins(relay);
        Receiver[] receivers = around.world.consumers().stream()
                .sorted()
                .map(name -> receiver(node, name))
                .toArray(Receiver[]::new);
        return around.broker.around(LocalBroker.to(receivers), relay);
    }

    private Inbox receiver(Node node, String name) {
        Configuration configuration = around.configuration;
        Inbox.Builder inbox = Inbox.builder(name, around.dataSource(node))
                .on(Writers.TYPE, String.class, handlers.of(node, name))
                .silenceLimit(Duration.ofSeconds(5))
                .format(plugins.format())
                .receipts(configuration.tracked && name.equals(TRACKING) ? receipts(node) : Receipts.none())
                .retry(configuration.inPlace)
                .afterLastAttempt(configuration.afterLastAttempt)
                .listener(listener());
        return InboxTesting.executor(inbox, new SimulatedThreads(around.schedule, node), around.random)
                .build();
    }

    /** Uses the relay's retry policy; a refusal may count an attempt. */
    private Receipts receipts(Node node) {
        Configuration configuration = around.configuration;
        Receipts receipts = configuration.receiptsTravel()
                ? Receipts.through(around.broker.forReceipts(node), Route.to("receipts"))
                : Receipts.inDatabase(configuration.catalog().all(o -> o.retry(configuration.retry)));
        return InboxTesting.beforeRefusals(receipts, eventId -> {
            node.requireAlive();
            around.truth.refused(eventId);
            around.truth.givenUp(eventId);
        });
    }

    private InboxListener listener() {
        return new InboxListener() {
            @Override
            public void deadLettered(String inbox, Message message, Failure failure) {
                around.truth.requireTried(message.eventId(), failure);
                around.truth.givenUp(message.eventId());
            }
        };
    }
}
