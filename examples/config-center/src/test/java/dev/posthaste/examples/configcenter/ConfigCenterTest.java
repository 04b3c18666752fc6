package dev.posthaste.examples.configcenter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Status;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.RabbitServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The configuration centre's promises to its users. */
class ConfigCenterTest extends CenterTest {

    @ParameterizedTest
    @EnumSource
    void eachChangeLeavesTheStateBeforeInTheHistory(Database kind) throws Exception {
        Application application = start(kind);
        ConfigCenter configs = application.configs();
        Config created = configs.create(
                new Config.Draft("user_service", "en", "feature_x", "a switch", 1, "{\"on\":true}", "{}", "ed", "a,b"));
        assertThat(created.version()).isZero();
        assertThat(created.configValue()).isEmpty();
        Config first = configs.release(new Config.Change(created.id(), 0, "rel", null));
        assertThat(first.configValue()).isEqualTo("{\"on\":true}");
        assertThat(first.draftValue()).isNull();
        Config edited = configs.editDraft(new Config.Change(created.id(), 1, "ed", "draft"));
        Config second = configs.release(new Config.Change(created.id(), 1, "rel", null));
        Config third = configs.update(new Config.Change(created.id(), 2, "up", "späße \uD83D\uDE00"));
        assertThat(third.version()).isEqualTo(3);
        awaitHistory(application, 2);
        List<HistoryTable.Entry> history = application.history().of(created.id());
        assertThat(history).extracting(HistoryTable.Entry::version).containsExactly(2L, 1L);
        assertThat(history).extracting(HistoryTable.Entry::configValue).containsExactly("draft", "{\"on\":true}");
        assertThat(history.get(0).createdAt()).isEqualTo(second.updatedAt());
        assertThat(history.get(1).createdAt()).isEqualTo(edited.updatedAt());
        assertThat(history.get(1).releaseUser()).isEqualTo("rel");
        assertThat(application.configs().ofModule("user_service")).containsExactly(third);
    }

    @Test
    void theEventHasTheNamesThatOtherProgramsKnow() throws Exception {
        Application application = start(Database.H2, null, EnumSet.noneOf(Application.Part.class));
        update(application, released(application, "k"), "new");
        String payload =
                database().query("select payload from \"outbox_events\"").get(0);
        assertThat(Application.JSON.readTree(payload).propertyNames())
                .containsExactlyInAnyOrder(
                        "event_id",
                        "event_type",
                        "occurred_at",
                        "schema_version",
                        "trace_id",
                        "config_id",
                        "module_name",
                        "lang",
                        "config_key",
                        "desc",
                        "config_type",
                        "config_value",
                        "config_schema",
                        "version",
                        "edit_user",
                        "release_user",
                        "related_users",
                        "created_at");
        assertThat(payload).contains("\"schema_version\":1", "\"version\":1,", "\"created_at\":\"20");
    }

    @Test
    void aStaleOrImpossibleChangeIsRefusedAndSaysWhy() throws Exception {
        Application application = start(Database.H2, null, EnumSet.noneOf(Application.Part.class));
        Config config = released(application, "k");
        update(application, config, "second");
        assertThatThrownBy(() -> update(application, config, "third"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("is now at version 2, but you saw version 1");
        assertThatThrownBy(() -> application.configs().release(new Config.Change(config.id(), 2, "ada", null)))
                .hasMessageContaining("no draft");
        assertThatThrownBy(() -> released(application, "k")).hasMessageContaining("module/en/k already exists");
        Config unreleased =
                application.configs().create(new Config.Draft("module", "en", "new", "", 1, "v", "{}", "ada", ""));
        assertThatThrownBy(() -> update(application, unreleased, "v")).hasMessageContaining("never released");
        assertThatThrownBy(() -> application.configs().update(new Config.Change(999, 1, "ada", "v")))
                .hasMessageContaining("no configuration 999");
        assertThat(database().count("select count(*) from \"outbox_events\"")).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource
    void aBatchMakesEachChangeOnItsOwn(Database kind) throws Exception {
        Application application = start(kind);
        List<Config.Change> changes = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Config config = released(application, "key-" + i);
            changes.add(new Config.Change(config.id(), i % 10 == 3 ? 7 : 1, "ada", "batch"));
        }
        List<ConfigCenter.Result> results = application.configs().batch(changes);
        assertThat(results).hasSize(100);
        for (int i = 0; i < 100; i++) {
            assertThat(results.get(i).id()).isEqualTo(changes.get(i).id());
            assertThat(results.get(i).error() == null).isEqualTo(i % 10 != 3);
        }
        awaitHistory(application, 90);
    }

    @ParameterizedTest
    @EnumSource
    void H03_concurrentUpdatesOfOneConfigurationArriveInVersionOrder(Database kind) throws Exception {
        Application application = start(kind);
        Config config = released(application, "k");
        LoadWriter writer = new LoadWriter(application);
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            threads.add(new Thread(() -> {
                try {
                    for (int j = 0; j < 15; j++) {
                        writer.change(config.id());
                    }
                } catch (Exception e) {
                    failures.add(e);
                }
            }));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        awaitHistory(application, 120);
        assertThat(application.history().ofModule("module"))
                .extracting(HistoryTable.Entry::version)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, 120).boxed().toList());
    }

    @ParameterizedTest
    @EnumSource
    void aChangeDoesNotNoticeThatTheHistoryIsGoneOrTheBrokerIsStopped(Database kind) throws Exception {
        Application application = start(kind);
        Config config = released(application, "k");
        application.history().setAvailable(false);
        config = update(application, config, Reconciliation.value(2, false));
        application.switchBroker(false);
        config = update(application, config, Reconciliation.value(3, false));
        assertThat(application.state().outbox()).containsEntry(Status.PENDING, 2L);
        application.history().setAvailable(true);
        application.switchBroker(true);
        awaitHistory(application, 2);
        await().atMost(LONG).until(() -> application.state().outbox().getOrDefault(Status.PUBLISHED, 0L) == 2);
        assertThat(Reconciliation.of(application.database(), "module").complete())
                .isTrue();
    }

    @ParameterizedTest
    @EnumSource(names = {"POSTGRESQL", "MYSQL", "MARIADB"})
    void aLockedHistoryIsWaitedFor(Database kind) throws Exception {
        Application application = start(kind);
        Config config = released(application, "k");
        try (Connection locker = database().dataSource().getConnection();
                Statement statement = locker.createStatement()) {
            locker.setAutoCommit(false);
            statement.execute(
                    kind == Database.POSTGRESQL
                            ? "lock table config_history in access exclusive mode"
                            : "lock tables config_history write");
            update(application, config, "changed anyway");
            assertThat(database().query("select status from outbox_events")).containsExactly("pending");
            if (kind != Database.POSTGRESQL) {
                statement.execute("unlock tables");
            }
            locker.rollback();
        }
        awaitHistory(application, 1);
    }

    private static void writeRaw(Application application, String id, String payload) throws SQLException {
        application.database().inTransaction(connection -> {
            JdbcOutbox.of(Application.CATALOG)
                    .write(
                            connection,
                            Event.of(ConfigHistoryEvent.TYPE, null, payload).id(id));
            return id;
        });
    }

    @Test
    void anEventThatCanNeverBeHistoryIsGivenUpWithTheReason() throws Exception {
        Application application = start(Database.H2);
        writeRaw(application, Event.newId(), "no json");
        writeRaw(application, Event.newId(), "{\"event_type\":\"config.history.created\",\"schema_version\":2}");
        writeRaw(application, Event.newId(), "{}");
        await().atMost(LONG).until(() -> application.state().outbox().getOrDefault(Status.DEAD, 0L) == 3);
        assertThat(database().query("select last_error from \"outbox_events\" order by id"))
                .satisfiesExactly(
                        first -> assertThat(first).contains("cannot be read"),
                        second -> assertThat(second).contains("schema_version is 2"),
                        third -> assertThat(third).contains("event_type is null"));
        assertThat(application.history().count()).isZero();
    }

    @Test
    void onRabbitMqItGoesToTheErrorQueueAndOthersGoOn() throws Exception {
        Application application =
                start(Database.POSTGRESQL, RabbitServer.shared().uri(), EnumSet.allOf(Application.Part.class));
        writeRaw(application, Event.newId(), "no json");
        update(application, released(application, "k"), "new");
        awaitHistory(application, 1);
        com.rabbitmq.client.ConnectionFactory factory = new com.rabbitmq.client.ConnectionFactory();
        factory.setUri(RabbitServer.shared().uri());
        try (var connection = factory.newConnection();
                var channel = connection.createChannel()) {
            await().atMost(LONG).until(() -> channel.messageCount("tmadminsrv_config_history_queue_error") == 1);
            var message = channel.basicGet("tmadminsrv_config_history_queue_error", true);
            assertThat(String.valueOf(message.getProps().getHeaders().get("posthaste-error")))
                    .contains("cannot be read");
        }
    }
}
