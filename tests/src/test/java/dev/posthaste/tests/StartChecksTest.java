package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.Schema;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** What the startup check says about settings and ids that promises depend on. */
class StartChecksTest extends WithForeignTable {
    // --- Nothing to say ----------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void nothingIsSaidOfTablesThatAreAsTheyShouldBe(Database kind) throws Exception {
        List<String> usual = kind == Database.H2
                ? List.of("H2 is for tests: nothing is promised after its process was killed or the power failed")
                : List.of();
        try (TestDatabase database = open(kind)) {
            createForeign(database);
            Schema.create(database.dataSource(), Catalog.of(CHANGES));
            DatabaseSchema.Findings findings = check(database, ORDERS, foreign(), CHANGES);
            assertThat(findings.errors()).isEmpty();
            assertThat(findings.warnings()).isEqualTo(usual);
            DatabaseSchema.Findings inbox = DatabaseSchema.checkInbox(database.dataSource());
            assertThat(inbox.errors()).isEmpty();
            assertThat(inbox.warnings()).isEmpty();
        }
    }

    // --- The source of ids -------------------------------------------------------------------------------------------

    @Test
    void A19_aSequenceThatBreaksTheOrderIsRefused() throws Exception {
        try (TestDatabase database = open(Database.POSTGRESQL)) {
            database.execute("alter sequence orders_id_seq cache 50");
            DatabaseSchema.Findings cached = check(database, ORDERS);
            assertThat(cached.faults())
                    .singleElement()
                    .asString()
                    .contains("orders_id_seq of table orders has CACHE 50", "another order", "cache 1");
            assertThatThrownBy(cached::orThrow)
                    .hasMessageContaining("CACHE 50")
                    .hasMessageNotContaining("Schema.create");
            database.execute("alter sequence orders_id_seq cache 1 cycle");
            assertThat(check(database, ORDERS).faults())
                    .singleElement()
                    .asString()
                    .contains("has CYCLE");
            database.execute("alter sequence orders_id_seq no cycle increment 10");
            DatabaseSchema.Findings steps = check(database, ORDERS);
            assertThat(steps.errors()).isEmpty();
            assertThat(steps.warnings()).singleElement().asString().contains("INCREMENT 10");
            database.execute("alter sequence orders_id_seq increment -1 minvalue -1000 maxvalue 1000");
            assertThat(check(database, ORDERS).faults())
                    .singleElement()
                    .asString()
                    .contains("INCREMENT -1");
        }
    }

    @Test
    void A19_anotherProgramsSequenceIsWarnedOfWhetherOwnedOrOnlyDrawnFrom() throws Exception {
        try (TestDatabase database = open(Database.POSTGRESQL)) {
            createForeign(database, "id", "bigserial primary key");
            database.execute("alter sequence foreign_events_id_seq cache 20");
            DatabaseSchema.Findings owned = check(database, foreign());
            assertThat(owned.errors()).isEmpty();
            assertThat(owned.warnings()).singleElement().asString().contains("foreign_events_id_seq", "CACHE 20");
            database.execute("create sequence numbers cache 7");
            database.execute("alter table foreign_events alter id set default nextval('numbers')");
            database.execute("drop sequence foreign_events_id_seq");
            assertThat(check(database, foreign()).warnings())
                    .singleElement()
                    .asString()
                    .contains("sequence numbers of table foreign_events", "CACHE 7");
        }
    }

    @Test
    void A19_aUserWithoutRightsOnTheSequenceIsToldTheSame() throws Exception {
        try (TestDatabase database = open(Database.POSTGRESQL)) {
            database.execute("alter sequence orders_id_seq cache 50");
            database.execute("create role " + database.name() + " login");
            try {
                database.execute("grant select on orders, posthaste_lease, posthaste_relay, posthaste_audit to "
                        + database.name());
                HikariConfig config = new HikariConfig();
                config.setJdbcUrl(database.url().replace("user=postgres", "user=" + database.name()));
                try (HikariDataSource pool = new HikariDataSource(config)) {
                    assertThat(DatabaseSchema.check(pool, List.of(ORDERS)).errors())
                            .singleElement()
                            .asString()
                            .contains("CACHE 50");
                }
            } finally {
                database.execute("drop owned by " + database.name());
                database.execute("drop role " + database.name());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void A19_idsThatAreNoNumbersAreRefused(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            createForeign(database, "id", "varchar(36) primary key");
            assertThat(check(database, foreign()).faults())
                    .singleElement()
                    .asString()
                    .contains("column id of table foreign_events is of type", "must be a number");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"MYSQL", "MARIADB"})
    void A19_stepsBetweenIdsAreNoted(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            DatabaseServer.of(kind).execute("set global auto_increment_increment = 2");
            try {
                assertThat(check(database, ORDERS).warnings())
                        .singleElement()
                        .asString()
                        .contains("auto_increment_increment is 2");
            } finally {
                DatabaseServer.of(kind).execute("set global auto_increment_increment = 1");
            }
        }
    }

    @Test
    void A19_idsThatSqliteGivesOutAgainAreRefused() throws Exception {
        try (TestDatabase database = open(Database.SQLITE)) {
            createForeign(database, "id", "integer primary key");
            assertThat(check(database, foreign()).faults())
                    .singleElement()
                    .asString()
                    .contains("column id of table foreign_events", "AUTOINCREMENT");
        }
    }

    // --- Writing -----------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(names = {"MYSQL", "MARIADB"})
    void B21_aBinaryLogOfStatementsIsRefused(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            String usual = database.query("select @@global.binlog_format").get(0);
            DatabaseServer.of(kind).execute("set global binlog_format = 'STATEMENT'");
            try {
                assertThat(check(database, ORDERS).faults())
                        .singleElement()
                        .asString()
                        .contains("binlog_format is STATEMENT", "READ COMMITTED", "Set binlog_format = ROW");
            } finally {
                DatabaseServer.of(kind).execute("set global binlog_format = '" + usual + "'");
            }
            assertThat(check(database, ORDERS).errors()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void B21_aServerThatAcceptsNoWritesIsNamed(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            if (kind == Database.POSTGRESQL) {
                DatabaseServer.of(kind)
                        .execute("alter database " + database.name() + " set default_transaction_read_only = on");
                assertThat(check(database, ORDERS).warnings())
                        .singleElement()
                        .asString()
                        .contains("read-only");
                return;
            }
            if (kind == Database.SQLITE) {
                HikariConfig config = new HikariConfig();
                config.setJdbcUrl(database.url());
                config.setConnectionInitSql("pragma query_only = 1");
                try (HikariDataSource pool = new HikariDataSource(config)) {
                    assertThat(DatabaseSchema.check(pool, List.of(ORDERS)).warnings())
                            .singleElement()
                            .asString()
                            .contains("read-only");
                }
                return;
            }
            DatabaseServer.of(kind).execute("set global read_only = 1");
            try {
                assertThat(check(database, ORDERS).warnings())
                        .singleElement()
                        .asString()
                        .contains("read_only is ON", "Connect to the primary");
            } finally {
                DatabaseServer.of(kind).execute("set global read_only = 0");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"H2", "SQLITE"})
    void B21_aTableThatKeepsNothingOrHasNoTransactionsIsNamed(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            if (kind == Database.POSTGRESQL) {
                database.execute("alter table orders set unlogged");
                assertThat(check(database, ORDERS).warnings())
                        .singleElement()
                        .asString()
                        .contains("table orders is unlogged", "set logged");
            } else {
                database.execute("alter table orders engine = MyISAM");
                assertThat(check(database, ORDERS).faults())
                        .singleElement()
                        .asString()
                        .contains("table orders is in engine MyISAM", "engine = InnoDB");
            }
        }
    }

    @Test
    void whatSqlitesUrlShouldSayIsNamed() throws Exception {
        try (TestDatabase database = open(Database.SQLITE)) {
            assertThat(warnings(database, "busy_timeout=10000", "busy_timeout=100"))
                    .singleElement()
                    .asString()
                    .contains("busy_timeout is 100 ms");
            for (String mode : List.of("IMMEDIATE", "EXCLUSIVE")) {
                assertThat(warnings(database, "synchronous=FULL", "synchronous=FULL&transaction_mode=" + mode))
                        .singleElement()
                        .asString()
                        .contains("transaction_mode is IMMEDIATE or EXCLUSIVE");
            }
            database.execute("pragma journal_mode = delete");
            assertThat(warnings(database, "journal_mode=WAL&", ""))
                    .singleElement()
                    .asString()
                    .contains("journal_mode is delete");
        }
    }

    private static List<String> warnings(TestDatabase database, String setting, String other) throws SQLException {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(database.url().replace(setting, other));
        config.setMaximumPoolSize(1);
        try (HikariDataSource pool = new HikariDataSource(config)) {
            List<String> warnings = DatabaseSchema.check(pool, List.of(ORDERS)).warnings();
            try (var connection = pool.getConnection()) {
                assertThat(connection.getAutoCommit()).isTrue();
                connection.setAutoCommit(false);
                connection.rollback();
            }
            return warnings;
        }
    }
}
