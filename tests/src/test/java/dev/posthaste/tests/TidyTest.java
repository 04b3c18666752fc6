package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** The rules of style that a machine can check. */
class TidyTest {
    private static final int MOST_LINES = 600;
    private static final List<String> MODULES = List.of(
            "posthaste-core",
            "posthaste-relay",
            "posthaste-rabbitmq",
            "posthaste-kafka",
            "posthaste-testkit",
            "servers",
            "tests",
            "tests-brokers",
            "examples/config-center",
            "examples/event-bus",
            "reliability",
            "fuzz",
            "benchmarks");
    private static final Pattern VAGUE =
            Pattern.compile("(Abstract|Default|Base)[A-Z].*|.*(Impl|Manager|Helper|Util|Utils)");

    private static List<Path> sources(String under) throws IOException {
        Path root = Path.of("").toAbsolutePath().getParent();
        List<Path> found = new java.util.ArrayList<>();
        for (String module : MODULES) {
            Path directory = root.resolve(module).resolve(under);
            if (Files.isDirectory(directory)) {
                try (Stream<Path> files = Files.walk(directory)) {
                    files.filter(file -> file.toString().endsWith(".java")).forEach(found::add);
                }
            }
        }
        assertThat(found).as("files under " + under).hasSizeGreaterThan(10);
        return found;
    }

    @Test
    void noFileIsTooLongToSeeWhole() throws Exception {
        for (Path file : sources("src")) {
            assertThat(Files.readAllLines(file)).as(file.toString()).hasSizeLessThanOrEqualTo(MOST_LINES);
        }
    }

    @Test
    void namesSayWhatAThingIs() throws Exception {
        for (Path file : sources("src")) {
            String name = file.getFileName().toString().replace(".java", "");
            assertThat(VAGUE.matcher(name).matches()).as(name).isFalse();
        }
    }

    @Test
    void everyPackageSaysWhatItIsForAndIsNullMarked() throws Exception {
        for (Path file : sources("src/main/java")) {
            if (file.toString().contains("/testkit/")) {
                continue; // JUnit fills the fields of its contracts
            }
            Path description = file.resolveSibling("package-info.java");
            assertThat(description).exists();
            assertThat(Files.readString(description)).startsWith("/**").contains("@NullMarked");
        }
    }

    @Test
    void nothingIsPutOffAndNothingReadsSystemProperties() throws Exception {
        for (Path file : sources("src/main/java")) {
            String text = Files.readString(file);
            assertThat(text)
                    .as(file.toString())
                    .doesNotContain(
                            "TO" + "DO", "FIX" + "ME", "@Disa" + "bled", "assume" + "That"); // contracts are here
            if (!file.toString().contains("/servers/")) {
                assertThat(text).as(file.toString()).doesNotContain("System.getProperty");
            }
        }
        for (Path file : sources("src/test/java")) {
            assertThat(Files.readString(file)).as(file.toString()).doesNotContain("@Disa" + "bled", "assume" + "That");
        }
    }

    /** A contract that ran no test would look like one that passed. */
    @Test
    void everyContractRunsOnEveryDatabase() {
        for (Class<?> database :
                List.of(PostgresTest.class, MySqlTest.class, MariaDbTest.class, SqliteTest.class, H2Test.class)) {
            TestPlan plan = LauncherFactory.create()
                    .discover(LauncherDiscoveryRequestBuilder.request()
                            .selectors(DiscoverySelectors.selectClass(database))
                            .build());
            Map<String, Integer> contracts =
                    Map.of("Store", 23, "Inboxes", 8, "ReceiptsOf", 17, "Owners", 4, "Relays", 24);
            contracts.forEach((contract, tests) -> assertThat(plan.countTestIdentifiers(
                            test -> test.isTest() && test.getUniqueId().contains("nested-class:" + contract)))
                    .as(contract + " on " + database.getSimpleName())
                    .isGreaterThanOrEqualTo(tests));
        }
    }
}
