package dev.posthaste.testkit;

import static dev.posthaste.testkit.PosthasteAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.Status;
import dev.posthaste.TableLayout;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.TimeZone;
import java.util.UUID;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.SQLiteDataSource;

/** Time passes only when the test advances it: delayed events become due, failed ones are retried. */
class TesterAdvanceTest extends TesterFixture {
    @TempDir
    Path directory;

    @Test
    void aFailingHandlerIsTriedAgainInItsTime() throws Exception {
        failTimes(1);
        write(Event.of(PLACED, "a", "1"), Event.of(PLACED, "a", "2"), Event.of(PLACED, "b", "3"));
        posthaste.deliverAll();
        assertThat(handled).containsExactlyInAnyOrder("1", "3"); // the key waits, others continue
        posthaste.advance(Duration.ofSeconds(30));
        assertThat(handled).hasSize(2);
        posthaste.advance(Duration.ofSeconds(60));
        assertThat(handled.subList(2, handled.size())).containsExactly("1", "2");
        assertThat(threads).containsOnly(Thread.currentThread());
    }

    @Test
    void allRetriesFitIntoOneAdvance() throws Exception {
        failTimes(3);
        write(Event.of(PLACED, "a", "1"));
        posthaste.deliverAll();
        posthaste.advance(Duration.ofHours(1));
        assertThat(handled).containsExactly("1", "1", "1"); // and then it was given up on
        posthaste.advance(Duration.ofHours(1));
        assertThat(handled).hasSize(3);
    }

    @Test
    void aDelayedEventIsDueInItsTime() throws Exception {
        write(Event.of(PLACED, "a", "1").delay(Duration.ofHours(24)), Event.of(PLACED, "a", "2"));
        posthaste.deliverAll();
        assertThat(handled).isEmpty(); // the second waits with the first
        posthaste.advance(Duration.ofHours(23));
        posthaste.deliverAll();
        assertThat(handled).isEmpty();
        posthaste.advance(Duration.ofHours(1));
        posthaste.deliverAll();
        assertThat(handled).containsExactly("1", "2");
    }

    /** East of UTC it must not be due too soon, west of it not too late. */
    @ParameterizedTest
    @ValueSource(strings = {"Asia/Shanghai", "America/New_York"})
    void whereverTheTestRuns(String zone) throws Exception {
        TimeZone before = TimeZone.getDefault();
        TimeZone.setDefault(TimeZone.getTimeZone(zone));
        try (PosthasteTester there = PosthasteTester.on(
                JdbcConnectionPool.create("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1", "sa", ""),
                CATALOG)) {
            Schema.create(there.dataSource(), CATALOG);
            try (Connection connection = there.dataSource().getConnection()) {
                connection.setAutoCommit(false);
                there.outbox().write(connection, Event.of(PLACED, "a", "1").delay(Duration.ofHours(24)));
                connection.commit();
            }
            there.advance(Duration.ofHours(23));
            there.deliverAll();
            assertThat(there.broker().messages()).isEmpty();
            there.advance(Duration.ofHours(1));
            there.deliverAll();
            assertThat(there.broker().messages()).hasSize(1);
        } finally {
            TimeZone.setDefault(before);
        }
    }

    @Test
    void onSqliteToo() throws Exception {
        SQLiteDataSource database = new SQLiteDataSource();
        database.setUrl("jdbc:sqlite:" + directory.resolve("shop.db"));
        Schema.create(database, CATALOG);
        try (PosthasteTester tester = PosthasteTester.on(database, CATALOG)) {
            try (Connection connection = tester.dataSource().getConnection()) {
                connection.setAutoCommit(false);
                tester.outbox().write(connection, Event.of(PLACED, "a", "1").delay(Duration.ofHours(24)));
                assertThat(tester).wrote(PLACED);
                connection.commit();
            }
            tester.advance(Duration.ofHours(23));
            tester.deliverAll();
            assertThat(tester).wrote(PLACED).withStatus(Status.PENDING);
            tester.advance(Duration.ofHours(1));
            tester.deliverAll();
            assertThat(tester).wrote(PLACED).withStatus(Status.PUBLISHED);
        }
    }

    @Test
    void aTableOfOthersIsLeftAlone() {
        Catalog foreign = Catalog.empty()
                .outbox("orders", o -> o.layout(TableLayout.debezium()).route(Route.topic("outbox.event.orders")));
        try (PosthasteTester tester = PosthasteTester.on(posthaste.dataSource(), foreign)) {
            assertThatThrownBy(() -> tester.advance(Duration.ofHours(1)))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("Outbox orders has a table with the layout debezium");
            assertThatThrownBy(tester::written).isInstanceOf(UnsupportedOperationException.class);
        }
    }

    @Test
    void timeDoesNotGoBack() {
        assertThatThrownBy(() -> posthaste.advance(Duration.ofSeconds(-1)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
