package dev.posthaste.reliability.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SimulationTest {
    private static final int SEEDS = 4_000;

    @BeforeAll
    static void beQuiet() {
        Main.logAt("OFF");
    }

    @Test
    void everySeedKeepsEveryPromise() throws Exception {
        long first = System.currentTimeMillis(); // different seeds each time
        Seeds.Summary summary = Seeds.run(first, SEEDS, Set.of(), 2, begun -> {});
        System.out.println("From seed " + first + ": " + Main.json(summary));
        assertThat(summary.failure()).isNull();
        assertThat(summary.seeds()).isEqualTo(SEEDS);
        assertThat(summary.events()).isGreaterThan(20L * SEEDS);
        assertThat(summary.faults()).isGreaterThan(SEEDS);
        assertThat(summary.wireDuplicates()).isPositive();
    }

    @Test
    void aSeedIsTheSameRunAgain() {
        for (long seed = 0; seed < 20; seed++) {
            Set<World.Trait> with = seed < 17 ? Set.of() : EnumSet.of(World.Trait.INNODB, World.Trait.REPLAYS);
            List<String> first = new ArrayList<>();
            List<String> second = new ArrayList<>();
            Simulation.Result result = new Simulation(seed, with, first::add).run();
            assertThat(new Simulation(seed, with, second::add).run()).isEqualTo(result);
            assertThat(second).hasSizeGreaterThan(100).isEqualTo(first);
        }
    }
}
