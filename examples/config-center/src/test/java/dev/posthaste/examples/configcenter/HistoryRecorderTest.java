package dev.posthaste.examples.configcenter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Event;
import dev.posthaste.broker.Message;
import dev.posthaste.inbox.EventContext;
import dev.posthaste.inbox.RejectedEventException;
import dev.posthaste.servers.Database;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Why the history does not accept an event, and the consequences. */
class HistoryRecorderTest extends CenterTest {
    private static final Instant NOW = Instant.now().truncatedTo(ChronoUnit.MICROS);

    private static ConfigHistoryEvent event(long configId, long version, String user) {
        Config before = new Config(
                configId, "module", "en", "key-" + configId, "", 1, "v", "{}", null, version, user, user, "", NOW, NOW);
        return ConfigHistoryEvent.of(Event.newId(), null, NOW, before);
    }

    private record HandlersContext(Connection connection, String eventId, Message message) implements EventContext {
        @Override
        public String type() {
            return ConfigHistoryEvent.TYPE;
        }

        @Override
        public String version() {
            return "";
        }

        @Override
        public @Nullable String key() {
            return null;
        }

        @Override
        public Map<String, String> headers() {
            return message.headers();
        }

        @Override
        public int attempt() {
            return 1;
        }
    }

    /** Runs only the handler, in a transaction like the inbox's. */
    private static void handle(Application application, ConfigHistoryEvent event) throws Exception {
        HistoryRecorder recorder = new HistoryRecorder(application.history(), Clock.systemUTC());
        try (var connection = application.database().dataSource().getConnection()) {
            connection.setAutoCommit(false);
            try {
                recorder.handle(
                        event, new HandlersContext(connection, event.eventId(), Message.of("none", new byte[0])));
                connection.commit();
            } finally {
                connection.rollback();
            }
        }
    }

    private Application quiet(Database kind) throws Exception {
        return start(kind, null, Set.of());
    }

    @ParameterizedTest
    @EnumSource
    void aVersionFromAnotherEventIsRejectedWithThatEventsId(Database kind) throws Exception {
        Application application = quiet(kind);
        ConfigHistoryEvent first = event(7, 1, "ada");
        handle(application, first);
        assertThatThrownBy(() -> handle(application, event(7, 1, "ada")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessage("version 1 of configuration 7 is already in the history, from event " + first.eventId());
        assertThat(application.history().count()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource
    void anIdThatIsHandedOutTwiceIsNotTakenForAnotherEventsRecord(Database kind) throws Exception {
        Application application = quiet(kind);
        handle(application, event(7, 1, "ada"));
        long next = database().count("select max(id) from config_history") + 1;
        database().execute("update config_history set id = " + next);
        if (List.of(Database.POSTGRESQL, Database.H2).contains(kind)) {
            assertThatThrownBy(() -> handle(application, event(7, 2, "ada"))).isInstanceOf(SQLException.class);
        } // the other databases learn of it, or use the next id immediately
        handle(application, event(7, 2, "ada"));
        assertThat(application.history().of(7))
                .extracting(HistoryTable.Entry::version)
                .containsExactly(2L, 1L);
    }

    @ParameterizedTest
    @EnumSource
    void anotherUniqueIndexIsNotTakenForAnotherEventsRecord(Database kind) throws Exception {
        Application application = quiet(kind);
        database().execute("create unique index one_change_a_user on config_history (edit_user)");
        handle(application, event(7, 1, "ada"));
        assertThatThrownBy(() -> handle(application, event(7, 2, "ada"))).isInstanceOf(SQLException.class);
        handle(application, event(7, 2, "bob"));
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "MYSQL") // the tests' 8.0.12 parses checks and ignores them
    void aValueAgainstACheckIsRejectedWithTheDatabasesReason(Database kind) throws Exception {
        Application application = quiet(kind);
        database().execute("alter table config_history add column extra int check (version < 5)");
        assertThatThrownBy(() -> handle(application, event(7, 5, "ada")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageStartingWith("the history cannot store one of its values: ")
                .hasMessageNotContaining("already in the history");
        handle(application, event(7, 4, "ada"));
    }

    /** The inbox keeps its notes for less time than a replay goes back, or its table is from an older backup. */
    @ParameterizedTest
    @EnumSource
    void anEventWhoseOwnRecordIsThereIsHandledAgainstALostNote(Database kind) throws Exception {
        Application application = start(kind);
        Config config = released(application, "k");
        update(application, config, Reconciliation.value(2, false));
        await().atMost(LONG)
                .until(() -> Reconciliation.of(application.database(), "module").complete());
        database().execute("delete from posthaste_inbox");
        application
                .database()
                .inTransaction(connection ->
                        application.database().update(connection, "update \"outbox_events\" set status = 'pending'"));
        await().atMost(LONG)
                .until(() ->
                        !Reconciliation.of(application.database(), "module").unsettled());
        assertThat(Reconciliation.of(application.database(), "module").complete())
                .isTrue();
    }

    /** This happened to H2 when it was killed: the next id already belongs to a record. */
    @ParameterizedTest
    @EnumSource(names = {"POSTGRESQL", "H2"})
    void noChangeIsLostToAnIdThatIsHandedOutTwice(Database kind) throws Exception {
        Application application = start(kind);
        Config config = released(application, "k");
        config = update(application, config, Reconciliation.value(2, false));
        awaitHistory(application, 1);
        database().execute("update config_history set id = id + 1");
        update(application, config, Reconciliation.value(3, false));
        awaitHistory(application, 2);
        await().atMost(LONG)
                .until(() -> Reconciliation.of(application.database(), "module").complete());
    }
}
