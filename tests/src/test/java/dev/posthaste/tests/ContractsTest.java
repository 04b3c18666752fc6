package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Checks that every contract runs on every database. */
class ContractsTest {
    /** The minimum number of tests of each: a contract that ran no test would look like one that passed. */
    private static final Map<String, Integer> CONTRACTS = Map.ofEntries(
            Map.entry("Store", 18),
            Map.entry("RowStore", 19),
            Map.entry("Writers", 4),
            Map.entry("Leases", 7),
            Map.entry("Inboxes", 9),
            Map.entry("ReceiptsOf", 11),
            Map.entry("RowReceipts", 6),
            Map.entry("Consumption", 9),
            Map.entry("Owners", 4),
            Map.entry("OperatorsOf", 9),
            Map.entry("Operators", 4),
            Map.entry("OperatorsBesideOthers", 8),
            Map.entry("OperatorsBesideRelays", 5),
            Map.entry("Relays", 12),
            Map.entry("RelaysInOrder", 10),
            Map.entry("RowRelays", 2),
            Map.entry("Replays", 5));

    @Test
    void everyContractRunsOnEveryDatabase() {
        assertThat(Stream.of(DatabaseTests.class.getDeclaredClasses()).map(Class::getSimpleName))
                .containsExactlyInAnyOrderElementsOf(CONTRACTS.keySet());
        for (Class<?> database :
                List.of(PostgresTest.class, MySqlTest.class, MariaDbTest.class, SqliteTest.class, H2Test.class)) {
            TestPlan plan = LauncherFactory.create()
                    .discover(LauncherDiscoveryRequestBuilder.request()
                            .selectors(DiscoverySelectors.selectClass(database))
                            .build());
            CONTRACTS.forEach((contract, tests) -> assertThat(plan.countTestIdentifiers(
                            test -> test.isTest() && test.getUniqueId().contains("nested-class:" + contract + "]")))
                    .as(contract + " on " + database.getSimpleName())
                    .isGreaterThanOrEqualTo(tests));
        }
    }
}
