package dev.posthaste.internal.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The findings on settings that no test server has. */
class ServerSettingsTest {
    private static DatabaseSchema.Findings findings(String... settings) {
        Map<String, String> all = new HashMap<>(
                Map.of("binlog_format", "ROW", "log_bin", "ON", "sql_log_bin", "ON", "auto_increment_increment", "1"));
        for (int i = 0; i < settings.length; i += 2) {
            all.put(settings[i], settings[i + 1]);
        }
        DatabaseSchema.Findings findings =
                new DatabaseSchema.Findings(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        MySqlChecks.checkSettings(all, findings);
        return findings;
    }

    @Test
    void B21_statementsInTheBinaryLogMatterOnlyWhereThereIsOne() {
        assertThat(findings("binlog_format", "STATEMENT").faults()).hasSize(1);
        assertThat(findings("binlog_format", "STATEMENT", "log_bin", "OFF").errors())
                .isEmpty();
        assertThat(findings("binlog_format", "STATEMENT", "sql_log_bin", "OFF").errors())
                .isEmpty();
        assertThat(findings("binlog_format", "MIXED").errors()).isEmpty();
    }

    @Test
    void B21_aGaleraClusterIsWarnedOf() {
        assertThat(findings("wsrep_on", "ON", "wsrep_sync_wait", "0").warnings())
                .singleElement()
                .asString()
                .contains("wsrep_on is ON", "to one node", "wsrep_sync_wait = 7");
        assertThat(findings("wsrep_on", "ON", "wsrep_sync_wait", "7").warnings())
                .singleElement()
                .asString()
                .doesNotContain("set wsrep_sync_wait");
        assertThat(findings("wsrep_on", "OFF").warnings()).isEmpty();
    }

    @Test
    void B21_ofSettingsThatForbidWritesTheStrongestIsNamed() {
        assertThat(findings("read_only", "ON", "super_read_only", "ON").warnings())
                .singleElement()
                .asString()
                .startsWith("super_read_only is ON: the server refuses writes, so");
    }
}
