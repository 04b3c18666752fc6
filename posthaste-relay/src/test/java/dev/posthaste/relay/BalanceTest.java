package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.internal.jdbc.LeaseTable.Candidate;
import dev.posthaste.internal.jdbc.LeaseTable.Row;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BalanceTest {

    /** Relays check in random order and follow their balance, until none needs to change anything. */
    @Test
    void everyRelayGetsItsFairShareAndNothingIsLeftAlone() {
        Random random = new Random(7);
        for (int round = 0; round < 100; round++) {
            List<String> outboxes = names("outbox", 1 + random.nextInt(12));
            List<String> relays = names("relay", 1 + random.nextInt(5));
            List<Candidate> candidates = new ArrayList<>();
            relays.forEach(
                    relay -> outboxes.forEach(outbox -> candidates.add(new Candidate(relay, outbox, true, "", ""))));
            Map<String, String> owners = new HashMap<>();
            for (String outbox : outboxes) {
                if (random.nextBoolean()) {
                    owners.put(outbox, relays.get(0));
                }
            }
            for (int step = 0; step < 200; step++) {
                for (String relay : shuffled(relays, random)) {
                    Balance balance = Balance.of(relay, outboxes, rows(owners), candidates);
                    balance.take().forEach(outbox -> owners.put(outbox, relay));
                    if (balance.release() != null) {
                        owners.remove(balance.release());
                    }
                }
            }
            assertThat(owners).hasSize(outboxes.size());
            for (String relay : relays) {
                assertThat(Collections.frequency(owners.values(), relay))
                        .isBetween(outboxes.size() / relays.size(), (outboxes.size() - 1) / relays.size() + 1);
            }
        }
    }

    private static List<String> names(String what, int many) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < many; i++) {
            names.add(what + i);
        }
        return names;
    }

    private static List<String> shuffled(List<String> names, Random random) {
        List<String> shuffled = new ArrayList<>(names);
        Collections.shuffle(shuffled, random);
        return shuffled;
    }

    @Test
    void aPausedOutboxIsLeftAlone() {
        List<Row> paused = List.of(new Row("a", "", 3, false, true, ""), new Row("b", "", 3, false, false, ""));
        assertThat(Balance.of("me", List.of("a", "b"), paused, List.of()).take())
                .containsExactly("b");
    }

    private static List<Row> rows(Map<String, String> owners) {
        return owners.entrySet().stream()
                .map(each -> new Row(each.getKey(), each.getValue(), 1, true, false, ""))
                .toList();
    }
}
