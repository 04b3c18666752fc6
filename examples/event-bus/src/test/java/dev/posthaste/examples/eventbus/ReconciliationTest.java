package dev.posthaste.examples.eventbus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.servers.Database;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The check that everything else relies on finds errors. */
class ReconciliationTest extends BusTest {
    private EventBus bus;

    @BeforeEach
    void threeMessagesAndAStep() throws Exception {
        bus = start(Database.H2, null, 0);
        Writer writer = new Writer(bus, names(1));
        writer.open();
        for (int i = 0; i < 4; i++) {
            writer.write(i);
        }
        await().atMost(LONG).until(() -> tally().complete());
    }

    private Reconciliation tally() throws Exception {
        return Reconciliation.of(bus.tables(), RUN);
    }

    private Reconciliation.OfOutbox outbox(String name) throws Exception {
        return Objects.requireNonNull(tally().outboxes().get(name));
    }

    @Test
    void nothingIsWrong() throws Exception {
        assertThat(outbox("agent")).isEqualTo(new Reconciliation.OfOutbox(3, 3, 3, 0, 0, 0, 0, 0));
        assertThat(outbox("task")).isEqualTo(new Reconciliation.OfOutbox(1, 1, 1, 0, 0, 0, 0, 0));
        assertThat(outbox("memory")).isEqualTo(new Reconciliation.OfOutbox(3, 3, 3, 0, 0, 0, 0, 0));
        assertThat(tally().chain()).isEqualTo(new Reconciliation.OfChain(3, 3, 0, 0, 0, 0));
    }

    @Test
    void aChainThatDoesNotEndIsLost() throws Exception {
        database().execute("delete from memory where seq = 2");
        assertThat(tally().chain().lost()).isEqualTo(1);
        assertThat(outbox("memory").lost()).isEqualTo(1);
        assertThat(tally().complete()).isFalse();
    }

    @Test
    void aMessageWithoutAnEventIsLost() throws Exception {
        database().execute("update conversation set messages = messages + 1");
        assertThat(tally().chain().lost()).isEqualTo(1);
        assertThat(outbox("agent").lost()).isEqualTo(1);
    }

    @Test
    void anEffectThatIsThereTwiceIsADuplicate() throws Exception {
        database()
                .execute("insert into memory (conversation, seq, event_id)"
                        + " select conversation, seq, event_id from memory where seq = 3");
        assertThat(tally().chain().duplicates()).isEqualTo(1);
        assertThat(outbox("memory").duplicates()).isEqualTo(1);
    }

    @Test
    void whatNeverWasIsAPhantom() throws Exception {
        database().execute("update conversation set messages = messages - 1");
        assertThat(tally().chain().phantoms()).isEqualTo(1);
        assertThat(outbox("agent").phantoms()).isPositive();
        database().execute("update task_log set event_id = 'made up'");
        assertThat(outbox("task").phantoms()).isEqualTo(1);
        assertThat(outbox("task").lost()).isEqualTo(1);
    }

    @Test
    void aLaterEffectBeforeAnEarlierIsOutOfOrder() throws Exception {
        database().execute("update memory set id = id + 100 where seq = 1");
        assertThat(tally().chain().outOfOrder()).isPositive();
        assertThat(tally().chain().lost()).isZero();
    }

    @Test
    void aRowThatIsNotConsumedIsIncomplete() throws Exception {
        database().execute("update \"task_outbox_messages\" set status = 'published'");
        assertThat(outbox("task").consumed()).isZero();
        assertThat(tally().complete()).isFalse();
        database().execute("update \"task_outbox_messages\" set status = 'dead'");
        assertThat(outbox("task").dead()).isEqualTo(1);
    }
}
