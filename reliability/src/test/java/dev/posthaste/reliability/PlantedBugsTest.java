package dev.posthaste.reliability;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.posthaste.reliability.planted.PlantedBug;
import dev.posthaste.servers.Processes;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

/** A simulation that finds nothing proves something only if it would have found it. */
class PlantedBugsTest {
    private static final String MAIN = "dev.posthaste.reliability.simulation.Main";
    private static final long SEEDS = 200_000;

    static Stream<PlantedBug> bugs() {
        return PlantedBug.inSimulation();
    }

    @TempDir
    Path classes;

    @BeforeAll
    static void beQuiet() {
        for (String name : List.of(org.slf4j.Logger.ROOT_LOGGER_NAME, "dev.posthaste")) {
            ((Logger) LoggerFactory.getLogger(name)).setLevel(Level.OFF);
        }
    }

    /** In this JVM, which is warm by now: most bugs show within a second. */
    @ParameterizedTest
    @MethodSource("bugs")
    void theSimulationNoticesAPlantedBug(PlantedBug bug) throws Exception {
        bug.plant(classes);
        try (URLClassLoader planted = PlantedBug.load(classes)) {
            Object report = planted.loadClass(MAIN)
                    .getMethod("report", long.class, long.class, int.class)
                    .invoke(null, bug.seed(), SEEDS, 2);
            assertNotices(bug, String.valueOf(report));
        }
    }

    /**
     * Detecting them requires real servers, which takes longer: {@link TortureTest} does for some, and all were run by
     * hand.
     */
    @Test
    void theBugsOfTheCampaignCanStillBePlanted() throws Exception {
        for (PlantedBug bug : PlantedBug.inCampaign().toList()) {
            Path its = classes.resolve(bug.name());
            bug.plant(its);
            assertThat(its.resolve("dev")).as(bug.name()).isDirectory();
        }
    }

    @Test
    void aBugIsPlantedFromTheCommandLine() {
        PlantedBug bug = bugs().findFirst().orElseThrow();
        assertNotices(bug, simulate("--plant", bug.name()));
    }

    private static void assertNotices(PlantedBug bug, String output) {
        System.out.println(bug + ": " + output);
        assertThat(output).containsPattern("broke a promise. (" + String.join("|", bug.checkers()) + "): ");
    }

    private static String simulate(String... options) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(Processes.QUICK_TO_START);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), MAIN));
        command.addAll(List.of(options));
        return Processes.output(1, Path.of("").toAbsolutePath(), Map.of(), command.toArray(String[]::new));
    }
}
