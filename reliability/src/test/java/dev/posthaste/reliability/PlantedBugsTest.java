package dev.posthaste.reliability;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.reliability.planted.PlantedBug;
import dev.posthaste.servers.Processes;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A simulation that finds nothing proves something only if it would have found it. */
class PlantedBugsTest {
    static Stream<PlantedBug> bugs() {
        return PlantedBug.inSimulation();
    }

    @TempDir
    Path classes;

    @ParameterizedTest
    @MethodSource("bugs")
    void theSimulationNoticesAPlantedBug(PlantedBug bug) throws Exception {
        bug.plant(classes);
        assertNotices(bug, simulate(bug));
    }

    @Test
    void aBugIsPlantedFromTheCommandLine() {
        PlantedBug bug = bugs().findFirst().orElseThrow();
        assertNotices(bug, simulate(bug, "--plant", bug.name()));
    }

    private static void assertNotices(PlantedBug bug, String output) {
        System.out.println(bug + ": " + output);
        assertThat(output).containsPattern("broke a promise. (" + String.join("|", bug.checkers()) + "): ");
    }

    private String simulate(PlantedBug bug, String... options) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(Processes.QUICK_TO_START); // for a few seeds, mostly
        command.addAll(List.of(
                "-cp",
                classes + File.pathSeparator + System.getProperty("java.class.path"),
                "dev.posthaste.reliability.simulation.Main",
                "--seed",
                Long.toString(bug.seed()),
                "--seeds",
                "200000",
                "--threads",
                "2"));
        command.addAll(List.of(options));
        return Processes.output(1, Path.of("").toAbsolutePath(), Map.of(), command.toArray(String[]::new));
    }
}
