package dev.posthaste.stories;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.relay.Relay;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Many services, each with an outbox: names by convention; one catalog, used by all. */
class S04ServicesTest {
    static final Catalog CATALOG = Catalog.forServices("acme")
            .outbox("agent", o -> o.types("chat.history.persist.requested"))
            .outbox("memory", o -> o.types("memory.extracted", "memory.forgotten"))
            .outbox("task", o -> o.types("task.done").table("tasks")) // one that differs
            .all(o -> o.tracked(true));

    /** Compiled, but not run. */
    void agentService(DataSource database, KafkaBroker kafka, Inbox history) {
        Relay.builder(database, CATALOG, kafka).serve("agent").build().start(); // or one relay that serves all
        kafka.subscribe(CATALOG.outbox("agent").route(), history);
    }

    @Test
    void everyServiceHasAnOutboxATopicAndAGroup() {
        OutboxDefinition agent = CATALOG.outbox("agent");
        assertThat(agent.table()).isEqualTo("agent_outbox_messages");
        assertThat(agent.route()).isEqualTo(Route.topic("acme.agent.outbox").group("acme-agent-outbox-consumer"));
        assertThat(CATALOG.outbox("task").table()).isEqualTo("tasks");
        assertThat(CATALOG.outboxes()).allMatch(OutboxDefinition::tracked);
        assertThat(CATALOG.outboxOf("memory.forgotten").name()).isEqualTo("memory");
    }
}
