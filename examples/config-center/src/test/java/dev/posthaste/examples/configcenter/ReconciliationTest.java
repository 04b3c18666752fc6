package dev.posthaste.examples.configcenter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.servers.Database;
import org.junit.jupiter.api.Test;

/** The check that everything else relies on finds errors. */
class ReconciliationTest extends CenterTest {

    private Application threeChanges() throws Exception {
        Application application = start(Database.H2);
        Config config = released(application, "k");
        for (int version = 2; version <= 4; version++) {
            config = update(application, config, Reconciliation.value(version, false));
        }
        awaitHistory(application, 3);
        org.awaitility.Awaitility.await()
                .until(() -> Reconciliation.of(application.database(), "module").complete());
        return application;
    }

    private Reconciliation tally(Application application) throws Exception {
        return Reconciliation.of(application.database(), "module");
    }

    @Test
    void nothingIsWrong() throws Exception {
        assertThat(tally(threeChanges())).isEqualTo(new Reconciliation(3, 3, 3, 3, 0, 0, 0, 0, 0));
    }

    @Test
    void aMissingRecordIsLost() throws Exception {
        Application application = threeChanges();
        database().execute("delete from config_history where version = 2");
        assertThat(tally(application).lost()).isEqualTo(1);
        assertThat(tally(application).complete()).isFalse();
    }

    @Test
    void aChangeWithoutAnEventIsLost() throws Exception {
        Application application = threeChanges();
        database().execute("update config set version = version + 1");
        assertThat(tally(application).lost()).isEqualTo(1);
    }

    @Test
    void aRecordOfAChangeThatWasTakenBackIsAPhantom() throws Exception {
        Application application = threeChanges();
        database()
                .execute("update config_history set config_value = '" + Reconciliation.value(2, true)
                        + "' where version = 2");
        assertThat(tally(application).phantoms()).isEqualTo(1);
    }

    @Test
    void anEventWithoutAChangeIsAPhantom() throws Exception {
        Application application = threeChanges();
        database().execute("update config set version = version - 1");
        assertThat(tally(application).phantoms()).isPositive();
    }

    @Test
    void aSecondRecordOfAStateIsADuplicate() throws Exception {
        Application application = threeChanges();
        database().execute("alter table config_history drop constraint config_history_version");
        database()
                .execute("update config_history set version = 2, config_value = '" + Reconciliation.value(2, false)
                        + "' where version = 3");
        assertThat(tally(application).duplicates()).isEqualTo(1);
    }

    @Test
    void aRecordBehindALaterOneIsOutOfOrder() throws Exception {
        Application application = threeChanges();
        database().execute("update config_history set id = id + 100 where version = 2");
        assertThat(tally(application).outOfOrder()).isEqualTo(1);
        assertThat(tally(application).lost()).isZero();
    }

    @Test
    void whatTheRelayOrTheInboxDoesNotKnowIsMissed() throws Exception {
        Application application = threeChanges();
        database().execute("update \"outbox_events\" set status = 'pending'");
        database().execute("delete from posthaste_inbox");
        assertThat(tally(application).published()).isZero();
        assertThat(tally(application).consumed()).isZero();
        assertThat(tally(application).unsettled()).isTrue();
    }
}
