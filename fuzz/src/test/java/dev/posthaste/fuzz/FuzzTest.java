package dev.posthaste.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.servers.Database;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class FuzzTest {
    /** Per target. */
    private static final int INPUTS = 200;

    @BeforeAll
    static void beQuiet() {
        Fuzz.beQuiet();
    }

    /** The same inputs in every build, so that it fails only because of a change; other seeds are tried by hand. */
    @Test
    void noTargetBreaksItsPromise() throws Exception {
        long first = 50_000_000;
        long start = System.nanoTime();
        List<Fuzzing.Result> results = Fuzz.run(Fuzz.names(), Database.H2, first, INPUTS, Duration.ofSeconds(35));
        System.out.println(Fuzz.json(first, results, (System.nanoTime() - start) / 1e9));
        assertThat(results).allSatisfy(result -> {
            assertThat(result.finding())
                    .as("target %s, seed %d", result.target(), result.seed())
                    .isNull();
            assertThat(result.runs()).as(result.target()).isPositive();
        });
    }

    @Test
    void aSeedIsTheSameInputAgain() {
        for (long seed = 0; seed < 50; seed++) {
            assertThat(inputs(seed)).isEqualTo(inputs(seed)).isNotEqualTo(inputs(seed + 1));
        }
    }

    private static List<String> inputs(long seed) {
        Dice dice = new Dice(seed);
        List<String> inputs = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            inputs.add(dice.text(64) + dice.json(3) + dice.number() + dice.id());
        }
        return inputs;
    }

    /** A target that breaks its promise in one of these ways is caught. */
    @Test
    void whatThrowsOrTakesTooMuchIsAFinding() throws Exception {
        assertThat(found(dice -> FindingException.unlessEqual("the id", "a", "b")))
                .contains("\"b\" instead of \"a\"");
        assertThat(found(dice -> {
                    throw new StackOverflowError();
                }))
                .contains("it throws \"java.lang.StackOverflowError\"");
        assertThat(found(dice -> dice.tried("size", new byte[300 << 20].length)))
                .contains("MiB of memory", "size");
        assertThat(found(dice -> {})).isEqualTo("null");
    }

    private interface Trying {
        void run(Dice dice);
    }

    private static String found(Trying trying) throws InterruptedException {
        Target target = new Target() {
            @Override
            public String name() {
                return "test";
            }

            @Override
            public void run(Dice dice) {
                trying.run(dice);
            }
        };
        return String.valueOf(Fuzzing.run(target, 1, 1, Duration.ofMinutes(1)).finding());
    }
}
