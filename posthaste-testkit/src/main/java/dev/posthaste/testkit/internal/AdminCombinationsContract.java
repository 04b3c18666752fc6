package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.internal.admin.ChangeOutcome;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/**
 * What operators are promised while others work on the same rows: a consumer with receipts, another operator. Nothing
 * is lost or done twice, a failure goes away when the change is tried again, and the audit is true.
 */
public abstract class AdminCombinationsContract extends WithAdmin {
    protected AdminCombinationsContract(DatabaseSource source) {
        super(source);
    }

    // --- Rows that another transaction has locked --------------------------------------------------------------------

    @Test
    void givenRowsThatAreLockedAreNotWaitedForLongAndTryingAgainHelps() throws Exception {
        List<Long> ids = rows(3, Status.DEAD);
        Change change = because("repaired");
        Connection other = lock(ids.get(1));
        long start = System.nanoTime();
        assertThatThrownBy(() -> admin.requeue(at(ids), change))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("try again");
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
        assertThat(count(Status.DEAD)).as("all or nothing").isEqualTo(3);
        assertThat(admin.audit(null, null, 10)).isEmpty();
        end(other, false);
        assertThat(admin.requeue(at(ids), change)).isEqualTo(new ChangeOutcome(3, false));
        assertThat(admin.requeue(at(ids), change)).isEqualTo(new ChangeOutcome(3, true));
    }

    @Test
    void aLockedRowDoesNotHoldTheOthersUpInAMassChange() throws Exception {
        List<Long> ids = rows(450, Status.DEAD);
        Change change = because("repaired");
        Connection other = lock(ids.get(7));
        if (hasOneWriter()) {
            assertThatThrownBy(() -> admin.requeue(DEAD, change))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("try again");
            end(other, false);
            assertThat(admin.requeue(DEAD, change)).isEqualTo(new ChangeOutcome(450, false));
            assertThat(audited("requeue")).isEqualTo(450);
            return;
        }
        assertThat(admin.requeue(DEAD, change)).isEqualTo(new ChangeOutcome(449, false, 1));
        assertThat(admin.audit(null, null, 500))
                .filteredOn(entry -> entry.position() == null)
                .singleElement()
                .satisfies(entry -> {
                    assertThat(entry.detail()).isEqualTo("interrupted: status dead");
                    assertThat(entry.events()).isEqualTo(449);
                });
        end(other, false);
        assertThat(admin.requeue(DEAD, change)).isEqualTo(new ChangeOutcome(450, false));
        assertThat(admin.requeue(DEAD, change)).isEqualTo(new ChangeOutcome(450, true));
        assertThat(count(Status.PENDING)).isEqualTo(450);
        assertThat(audited("requeue")).isEqualTo(450);
    }

    @Test
    void aLockedRowDoesNotHoldTheOthersUpInAPurge() throws Exception {
        List<Long> ids = rows(300, Status.CONSUMED);
        execute("update " + table() + " set consumed_at = created_at");
        Thread.sleep(20); // so that all are older than nothing
        Change change = because("space");
        Connection other = lock(ids.get(7));
        if (hasOneWriter()) {
            assertThatThrownBy(() -> admin.purge(Duration.ZERO, Set.of(Status.CONSUMED), change, done -> true))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("try again");
            end(other, false);
            assertThat(admin.purge(Duration.ZERO, Set.of(Status.CONSUMED), change, done -> true))
                    .isEqualTo(new ChangeOutcome(300, false));
            assertThat(ids()).isEmpty();
            return;
        }
        assertThat(admin.purge(Duration.ZERO, Set.of(Status.CONSUMED), change, done -> true))
                .isEqualTo(new ChangeOutcome(299, false, 1));
        end(other, false);
        assertThat(admin.purge(Duration.ZERO, Set.of(Status.CONSUMED), change, done -> true))
                .isEqualTo(new ChangeOutcome(300, false));
        assertThat(admin.purge(Duration.ZERO, Set.of(Status.CONSUMED), change, done -> true))
                .isEqualTo(new ChangeOutcome(300, true));
        assertThat(ids()).isEmpty();
    }

    /** What a consumer writes in its own transaction, and a relay or retention in theirs. */
    @Test
    void whatSomebodyElseMadeOfARowMeanwhileStays() throws Exception {
        List<Long> ids = rows(4, Status.DEAD);
        Connection consumer = begin();
        change(consumer, ids.get(0), "status = 'consumed', consumed_at = created_at");
        Connection retention = hasOneWriter() ? consumer : begin();
        try (Statement statement = retention.createStatement()) {
            statement.executeUpdate("delete from " + table() + " where id = " + ids.get(1));
        }
        Future<ChangeResult> requeue = threads.submit(() -> persist(() -> admin.requeue(at(ids), because("repaired"))));
        Thread.sleep(300); // most likely it waits for the rows by now; the promise holds whether it does or not
        end(consumer, true);
        if (retention != consumer) {
            end(retention, true);
        }
        assertThat(requeue.get()).isEqualTo(new ChangeOutcome(2, false));
        assertThat(statuses()).containsExactly("consumed", "pending", "pending");
        assertThat(audited("requeue")).isEqualTo(2);
    }

    // --- Several operators -------------------------------------------------------------------------------------------

    @Test
    void twoClientsWithOneChangeIdMakeItOnce() throws Exception {
        List<Long> ids = rows(600, Status.DEAD);
        Change mass = because("repaired");
        List<ChangeResult> results = together(List.of(
                () -> persist(() -> admin.requeue(DEAD, mass)), () -> persist(() -> admin.requeue(DEAD, mass))));
        assertThat(results).allSatisfy(result -> {
            assertThat(result.events()).isEqualTo(600);
            assertThat(result.locked()).isZero();
        });
        assertThat(audited("requeue")).isEqualTo(600);
        execute("update " + table() + " set status = " + code(Status.DEAD));
        assertThat(admin.requeue(DEAD, mass)).isEqualTo(new ChangeOutcome(600, true));
        assertThat(count(Status.DEAD)).as("they died again, after the change").isEqualTo(600);
    }

    @Test
    void twoClientsWithOneChangeIdAndGivenRowsMakeItOnce() throws Exception {
        List<Long> ids = rows(400, Status.DEAD);
        for (int round = 0; round < 10; round++) {
            Change change = because("these");
            List<Long> some = ids.subList(round * 40, round * 40 + 20);
            boolean same = round % 2 == 0;
            List<Long> others = same ? some : ids.subList(round * 40 + 20, round * 40 + 40);
            List<ChangeResult> results = together(List.of(
                    () -> persist(() -> admin.discard(at(some), change)),
                    () -> persist(() -> admin.discard(at(others), change))));
            assertThat(results).containsExactlyInAnyOrder(new ChangeOutcome(20, false), new ChangeOutcome(20, true));
        }
        assertThat(audited("discard")).isEqualTo(200);
        assertThat(count(Status.DEAD)).isEqualTo(200);
    }

    @Test
    void aChangeIdIsOfOneChange() throws Exception {
        List<Long> ids = rows(10, Status.DEAD);
        Change change = because("repaired");
        admin.requeue(DEAD.key("k1"), change);
        assertThatThrownBy(() -> admin.requeue(DEAD, change))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("was something else (finished: status dead, key k1)");
        assertThatThrownBy(() -> admin.requeue(at(ids), change)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> admin.discard(at(ids), change)).hasMessageContaining("(a requeue)");
        assertThatThrownBy(() -> admin.pause(change)).isInstanceOf(IllegalArgumentException.class);
        assertThat(count(Status.DEAD)).isEqualTo(9);
    }

    @Test
    void whatOneRequeuesAnotherCannotDiscard() throws Exception {
        rows(500, Status.DEAD);
        List<ChangeResult> results = together(List.of(
                () -> persist(() -> admin.requeue(DEAD, because("repaired"))),
                () -> persist(() -> admin.discard(DEAD, because("unwanted")))));
        long left = results.get(0).events() + results.get(1).events();
        assertThat(count(Status.PENDING)).isEqualTo(results.get(0).events()).isEqualTo(audited("requeue"));
        assertThat(ids()).hasSize((int) (500 - results.get(1).events()));
        assertThat(audited("discard")).isEqualTo(results.get(1).events());
        assertThat(count(Status.DEAD)).isEqualTo(500 - left);
    }
}
