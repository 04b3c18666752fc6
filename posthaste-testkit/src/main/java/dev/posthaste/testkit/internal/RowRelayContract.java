package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.relay.internal.ManualRelay;
import org.junit.jupiter.api.Test;

/** What a relay must do with rows that another program has written. */
public abstract class RowRelayContract extends WithRelay {
    protected RowRelayContract(DatabaseSource source) {
        super(source);
    }

    @Test
    void anEventForAForeignDestinationIsDeadAndSaysWhy() throws Exception {
        write("k", "1");
        execute("update " + table() + " set destination = 'somewhere-else'");
        ManualRelay relay = relay();
        pump(relay, "it is dead", () -> store.backlog().dead() == 1);
        assertThat(broker.attempts()).isEmpty();
        assertThat(query("select last_error from " + table()).get(0)).contains("somewhere-else", "orders");
    }

    @Test
    void aRowWhoseHeadersAreNoJsonIsDeadAndTheOthersGoOn() throws Exception {
        write("a", "1");
        execute("update " + table() + " set headers = '{nonsense'");
        write("b", "2");
        pump(
                relay(),
                "one is dead, one arrives",
                () -> store.backlog().dead() == 1 && broker.arrived().size() == 1);
        assertThat(query("select last_error from " + table() + " where status = 'dead'")
                        .get(0))
                .contains("headers");
    }
}
