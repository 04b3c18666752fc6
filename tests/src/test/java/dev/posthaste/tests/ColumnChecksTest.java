package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the startup check says about columns that promises depend on: their lengths, character sets and time zones. */
class ColumnChecksTest extends WithForeignTable {
    // --- Columns -----------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void B04_aColumnShorterThanTheLayoutSaysIsNamed(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            createForeign(database, "err", "varchar(500)", "kind", "varchar(60)");
            if (kind == Database.SQLITE) {
                assertThat(check(database, foreign()).warnings())
                        .as("its columns hold texts of any length")
                        .isEmpty();
                return;
            }
            assertThat(check(database, foreign()).warnings())
                    .anySatisfy(warning -> assertThat(warning)
                            .contains("column err of table foreign_events holds 500 characters, and 2,000")
                            .contains("length.last-error = 500"))
                    .anySatisfy(warning -> assertThat(warning).contains("column kind", "length.type = 60"));
            assertThat(check(database, foreign("length.last-error", "500", "length.type", "60"))
                            .warnings())
                    .noneMatch(warning -> warning.contains("length."));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"MYSQL", "MARIADB"})
    void B04_aPayloadOrHeadersColumnThatHoldsTooFewBytesIsNamed(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            createForeign(database, "body", "text character set utf8mb4");
            assertThat(check(database, foreign()).warnings())
                    .anySatisfy(warning -> assertThat(warning)
                            .contains(
                                    "column body of table foreign_events holds 65,535 bytes",
                                    "length.payload = 65535"));
            assertThat(check(database, foreign("length.payload", "65535")).warnings())
                    .noneMatch(warning -> warning.contains("length."));
            database.execute("alter table orders modify headers text");
            assertThat(check(database, ORDERS).warnings())
                    .singleElement()
                    .asString()
                    .contains("column headers of table orders holds 65,535 bytes", "Widen the column");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"MYSQL", "MARIADB"})
    void B04_aCharacterSetThatLacksCharactersIsNamed(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            createForeign(
                    database,
                    "err",
                    "varchar(2000) character set utf8",
                    "k",
                    "varchar(128) character set latin1 collate latin1_bin",
                    "body",
                    "longtext character set ascii");
            List<String> warnings = check(database, foreign()).warnings();
            for (String column : List.of("err", "k", "body")) {
                assertThat(warnings)
                        .anySatisfy(warning -> assertThat(warning)
                                .contains(
                                        "column " + column + " of table foreign_events has character set", "utf8mb4"));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void A12_columnsInWhichTheDatabaseHoldsDifferentTextsEqualAreNamed(Database kind) throws Exception {
        String type = switch (kind) {
            case POSTGRESQL -> "varchar(128) collate ci";
            case H2 -> "varchar_ignorecase(128)";
            case SQLITE -> "varchar(128) collate nocase";
            default -> "varchar(128) character set utf8mb4 collate utf8mb4_general_ci";
        };
        try (TestDatabase database = open(kind)) {
            if (kind == Database.POSTGRESQL) {
                database.execute(
                        "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
            }
            createForeign(database, "k", type, "uid", type);
            assertThat(check(database, foreign()).warnings())
                    .anySatisfy(warning -> assertThat(warning)
                            .contains("in column k of table foreign_events", "'K' and 'k'", "for one key"))
                    .anySatisfy(warning -> assertThat(warning)
                            .contains("in column uid of table foreign_events", "'K' and 'k'", "as its duplicate"));
        }
    }

    @Test
    void A12_anOlderTableWhoseCollationIgnoresBlanksIsNamed() throws Exception {
        try (TestDatabase database = open(Database.MARIADB)) {
            database.execute("alter table orders modify event_key varchar(128) collate utf8mb4_bin");
            database.execute("alter table posthaste_inbox modify event_id varchar(64) collate utf8mb4_bin not null");
            assertThat(check(database, ORDERS).warnings())
                    .singleElement()
                    .asString()
                    .contains("column event_key of table orders", "'K' and 'K '", "Use utf8mb4_nopad_bin");
            assertThat(DatabaseSchema.checkInbox(database.dataSource()).warnings())
                    .singleElement()
                    .asString()
                    .contains("column event_id of table posthaste_inbox", "'K' and 'K '", "never handled");
        }
    }

    /** MySQL before 8.0.17 ignores trailing blanks: it has no collation that does not. */
    @ParameterizedTest
    @EnumSource
    void A12_newTablesKeepKeysAndIdsApartThatDifferInBytesOnly(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            boolean pads = kind == Database.MYSQL
                    && database.count("select count(*) from information_schema.collations"
                                    + " where collation_name = 'utf8mb4_0900_bin'")
                            == 0;
            String orders = kind == Database.H2 ? "\"orders\"" : "orders";
            List<String> texts = pads ? List.of("K", "k", "e", "é") : List.of("K", "k", "e", "é", "K ");
            for (String text : texts) {
                database.execute("insert into " + orders + " (event_id, event_type, event_key, payload, created_at,"
                        + " updated_at) values ('" + text + "', 't', '" + text + "', '{}', " + database.now()
                        + ", " + database.now() + ")");
                database.execute("insert into posthaste_inbox (consumer, event_id, handled_at) values ('c', '" + text
                        + "', " + database.now() + ")");
            }
            assertThat(database.count("select count(distinct event_key) from " + orders))
                    .isEqualTo(texts.size());
        }
    }

    // --- Time zones --------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void B16_timesWhoseClockNobodyKnowsAreRefused(Database kind) throws Exception {
        boolean mysql = kind == Database.MYSQL || kind == Database.MARIADB;
        try (TestDatabase database = open(kind)) {
            createForeign(database, "due", mysql ? "timestamp null" : "timestamp");
            if (kind == Database.SQLITE) {
                assertThat(check(database, foreign()).errors()).isEmpty();
                database.execute("insert into foreign_events (uid, kind, due) values ('1', 't', current_timestamp)");
                assertThat(check(database, foreign()).faults())
                        .singleElement()
                        .asString()
                        .contains("column due of table foreign_events holds times as text", "milliseconds");
                return;
            }
            assertThat(check(database, foreign()).faults())
                    .singleElement()
                    .asString()
                    .contains("column due of table foreign_events", "hours too early or too late");
            if (kind != Database.H2) {
                assertThat(check(database, foreign("zone", "session")).errors()).isEmpty();
            }
            assertThat(check(database, foreign("zone", "+08:00")).errors())
                    .hasSize(kind == Database.POSTGRESQL ? 0 : 1);
        }
    }

    @Test
    void B16_aZoneForColumnsThatStoreTheirOwnIsRefused() throws Exception {
        try (TestDatabase database = open(Database.POSTGRESQL)) {
            createForeign(database);
            assertThat(check(database, foreign("zone", "+08:00")).faults())
                    .singleElement()
                    .asString()
                    .contains("column due of table foreign_events stores the time zone itself", "zone = +08:00");
        }
    }
}
