package dev.posthaste;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ServicesTest {
    @Test
    void aServicesNameGivesTheRest() {
        OutboxDefinition outbox = new Services("smartflow")
                .register("active-scheduler", "job.due")
                .catalog()
                .outboxOf("job.due");
        assertThat(outbox.name()).isEqualTo("active-scheduler");
        assertThat(outbox.table().table()).isEqualTo("active_scheduler_outbox_messages");
        assertThat(outbox.route())
                .isEqualTo(new Route(
                        "smartflow.active-scheduler.outbox", null, "smartflow-active-scheduler-outbox-consumer"));
    }

    @Test
    void eachOfThemMayBeOverridden() {
        OutboxDefinition outbox = new Services("acme")
                .register("agent", "a")
                .adjust("agent", each -> each.inTable("agent_events"))
                .adjust("agent", each -> each.withRoute(new Route("topic", null, "group")))
                .adjustAll(OutboxDefinition::withReceipts)
                .catalog()
                .outbox("agent");
        assertThat(outbox.table().table()).isEqualTo("agent_events");
        assertThat(outbox.route()).isEqualTo(new Route("topic", null, "group"));
        assertThat(outbox.tracked()).isTrue();
        assertThatThrownBy(() -> new Services("acme").adjust("nobody", each -> each))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("nobody");
    }

    @Test
    void aTypeBelongsToOneServiceAndMayBeSaidTwice() {
        Services services =
                new Services("acme").register("agent", "a", "b", "a").register("agent", "a", "c");
        assertThat(services.catalog().outbox("agent").eventTypes()).containsExactlyInAnyOrder("a", "b", "c");
        assertThatThrownBy(() -> services.register("task", "b"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("agent")
                .hasMessageContaining("task")
                .hasMessageContaining("b");
    }

    @Test
    void twoServicesCannotShareATable() {
        Services services = new Services("acme").register("a-b", "x").register("a_b", "y");
        assertThatThrownBy(services::catalog)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("share the table");
    }
}
