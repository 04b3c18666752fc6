package dev.posthaste.examples.eventbus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.servers.Database;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Chains of events across the services' outboxes. */
class EventBusTest extends BusTest {

    @Test
    void aServicesNameSaysWhereItsEventsGo() {
        OutboxDefinition agent = EventBus.CATALOG.outboxOf("chat.history.persist.requested");
        assertThat(agent.table()).isEqualTo("agent_outbox_messages");
        assertThat(agent.route())
                .isEqualTo(Route.to("smartflow.agent.outbox").group("smartflow-agent-outbox-consumer"));
        assertThat(EventBus.CATALOG.outboxOf("memory.extract.requested").name()).isEqualTo("memory");
    }

    private void runAndCheck(EventBus bus, int events) throws Exception {
        Writer writer = new Writer(bus, names(10));
        writer.open();
        for (int i = 0; i < events; i++) {
            writer.write(i);
        }
        await().atMost(LONG)
                .untilAsserted(() ->
                        assertThat(Reconciliation.of(bus.tables(), RUN)).matches(Reconciliation::complete, "complete"));
        Reconciliation tally = Reconciliation.of(bus.tables(), RUN);
        assertThat(tally.chain().started()).isEqualTo(events - (events + 3) / 4);
    }

    @ParameterizedTest
    @EnumSource
    void everyChainEndsOnceAndEveryRowIsConsumed(Database kind) throws Exception {
        runAndCheck(start(kind, null, 0), 200);
    }

    @ParameterizedTest
    @EnumSource(names = {"POSTGRESQL", "MARIADB", "MYSQL"})
    void onKafkaToo(Database kind) throws Exception {
        runAndCheck(start(kind, kafka().bootstrap(), 0), 400);
    }

    @Test
    void handlersThatFailAtRandomChangeNothing() throws Exception {
        runAndCheck(start(Database.MARIADB, kafka().bootstrap(), 0.3), 400);
    }

    /** This happened to H2 when it was killed: the next id already belongs to a row. */
    @Test
    void anIdThatIsHandedOutTwiceEndsNoChain() throws Exception {
        EventBus bus = start(Database.H2, null, 0);
        Writer writer = new Writer(bus, names(1));
        writer.open();
        writer.write(1);
        await().atMost(LONG).until(() -> Reconciliation.of(bus.tables(), RUN).complete());
        for (String table : List.of("chat_history", "memory")) {
            database().execute("update " + table + " set id = id + 1");
        }
        writer.write(2);
        await().atMost(LONG)
                .until(() -> Reconciliation.of(bus.tables(), RUN).chain().ended() == 2);
        await().atMost(LONG).until(() -> Reconciliation.of(bus.tables(), RUN).complete());
    }
}
