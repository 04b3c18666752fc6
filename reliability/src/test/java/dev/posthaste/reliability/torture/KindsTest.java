package dev.posthaste.reliability.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.servers.Database;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The pairs that exist, and the faults that a campaign draws. */
class KindsTest {
    private static final Duration SHORT = Duration.ofMinutes(5);
    private static final String OF_MINUTES = LongFaults.ALL.iterator().next();

    @Test
    void whatTakesMinutesIsDrawnInLongCampaignsOrByItsName() {
        assertThat(new Kinds(Set.of(), Set.of(), SHORT).allow(OF_MINUTES)).isFalse();
        assertThat(new Kinds(Set.of(), Set.of(), SHORT).allow("relay killed")).isTrue();
        assertThat(new Kinds(Set.of(), Set.of(), Duration.ofMinutes(16)).allow(OF_MINUTES))
                .isTrue();
        assertThat(new Kinds(Set.of(OF_MINUTES), Set.of(), SHORT).allow(OF_MINUTES))
                .isTrue();
        assertThat(new Kinds(Set.of(OF_MINUTES), Set.of(), SHORT).allow("relay killed"))
                .isFalse();
        assertThat(new Kinds(Set.of(), Set.of("relay killed"), SHORT).allow("relay killed"))
                .isFalse();
    }

    @Test
    void everyPairIsWhatItsNameSays() {
        assertThat(Pair.USUAL)
                .allMatch(Pair::exists)
                .extracting(Pair::named)
                .allMatch(pair -> pair.brokers() == 1 && pair.table() == OutboxTable.OWN);
        assertThat(Pair.SPECIAL).allMatch(Pair::exists);
        assertThat(Pair.exists("postgresql-kafka-existing")).isFalse();
        assertThat(Pair.named("mysql-kafka-existing"))
                .isEqualTo(new Pair("mysql-kafka-existing", Database.MYSQL, Setup.Wire.KAFKA, OutboxTable.EXISTING, 1));
        assertThat(Pair.named("postgresql-kafka-cluster").brokers()).isEqualTo(3);
    }

    @Test
    void theExistingTableIsTheOneThatUsersCopy() {
        assertThat(OutboxTable.EXISTING.script().get(0)).contains("CREATE TABLE", OutboxTable.EXISTING.table());
        assertThat(OutboxTable.EXISTING.layout()).containsEntry("table", OutboxTable.EXISTING.table());
    }
}
