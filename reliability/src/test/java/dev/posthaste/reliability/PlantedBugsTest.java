package dev.posthaste.reliability;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.reliability.planted.PlantedBug;
import dev.posthaste.servers.Processes;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A simulation that finds nothing proves something only if it would have found it. */
class PlantedBugsTest {
    static Stream<PlantedBug> bugs() {
        return PlantedBug.inSimulation();
    }

    @ParameterizedTest
    @MethodSource("bugs")
    void theSimulationNoticesAPlantedBug(PlantedBug bug) throws Exception {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String output = Processes.output(
                1,
                Path.of("").toAbsolutePath(),
                Map.of(),
                java,
                "-XX:TieredStopAtLevel=1", // a few seeds, mostly
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.posthaste.reliability.simulation.Main",
                "--plant",
                bug.name(),
                "--seed",
                Long.toString(bug.seed()),
                "--seeds",
                "200000",
                "--threads",
                "2");
        System.out.println(bug + ": " + output);
        assertThat(output).containsPattern("broke a promise. (" + String.join("|", bug.checkers()) + "): ");
    }
}
