package dev.posthaste.reliability.simulation;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.posthaste.reliability.planted.PlantedBug;
import dev.posthaste.servers.Processes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs seeds from the command line; the same seed gives the same run. */
@Command(
        name = "./posthaste simulate",
        mixinStandardHelpOptions = true,
        description =
                "Runs the engine on one thread against a simulated clock, database and broker; a seed decides everything.")
public final class Main implements java.util.concurrent.Callable<Integer> {
    @Option(names = "--seed", description = "The first seed; default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--seeds", defaultValue = "2000", description = "How many seeds to run; default: ${DEFAULT-VALUE}.")
    long seeds;

    @Option(
            names = "--threads",
            defaultValue = "1",
            description = "How many seeds to run in parallel; default: ${DEFAULT-VALUE}.")
    int threads;

    @Option(
            names = "--with",
            split = ",",
            paramLabel = "TRAIT",
            description = "Gives every world these traits, in addition to its seed's: ${COMPLETION-CANDIDATES}.")
    Set<World.Trait> with = Set.of();

    @Option(names = "--history", description = "Runs only the first seed and prints what happens in it.")
    boolean history;

    @Option(
            names = "--plant",
            paramLabel = "BUG",
            converter = PlantedBug.ByName.class,
            description = "Plants the bug with this name, to see it detected.")
    @Nullable
    PlantedBug plant;

    @Option(names = "--log", defaultValue = "OFF", description = "The engine's log level; default: ${DEFAULT-VALUE}.")
    String log = "OFF";

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Main())
                .setExitCodeExceptionMapper(failure -> 2) // the simulation itself failed, so the run proves nothing
                .execute(arguments));
    }

    /** The result of a range of seeds in words, with the checker that failed. */
    public static String report(long seed, long seeds, int threads) throws InterruptedException {
        Seeds.Summary summary = Seeds.run(seed, seeds, Set.of(), threads, begun -> {});
        return json(summary) + System.lineSeparator() + verdict(summary, Set.of());
    }

    private static String verdict(Seeds.Summary summary, Set<World.Trait> with) {
        Seeds.Failure failure = summary.failure();
        return failure == null
                ? ""
                : "Seed " + failure.seed() + " broke a promise. " + failure.what() + System.lineSeparator()
                        + "To see what happened: ./posthaste simulate --history --seed " + failure.seed() + named(with);
    }

    private static String named(Set<World.Trait> with) {
        return with.isEmpty() ? "" : " --with " + with.stream().map(Enum::name).collect(Collectors.joining(","));
    }

    @Override
    public Integer call() throws Exception {
        if (plant != null) {
            return runPlanted(plant);
        }
        logAt(log);
        if (history) {
            return tell();
        }
        Seeds.Summary summary =
                Seeds.run(seed, seeds, with, threads, begun -> System.err.printf("%,d of %,d seeds…%n", begun, seeds));
        System.out.println(json(summary));
        if (summary.failure() == null) {
            return 0;
        }
        System.out.println(verdict(summary, with));
        return 1;
    }

    /** Does the same in a process whose engine has the bug. */
    private int runPlanted(PlantedBug bug) throws IOException, InterruptedException {
        Path classes = Files.createTempDirectory("posthaste-planted-");
        Processes.deleteOnExit(classes);
        bug.plant(classes);
        List<String> arguments =
                new ArrayList<>(List.of("--seed=" + seed, "--seeds=" + seeds, "--threads=" + threads, "--log=" + log));
        with.forEach(trait -> arguments.add("--with=" + trait));
        if (history) {
            arguments.add("--history");
        }
        return Processes.javaHere(classes, Main.class, arguments);
    }

    /** What the engine logs about all these faults is rarely of interest. */
    static void logAt(String level) {
        for (String name : List.of(org.slf4j.Logger.ROOT_LOGGER_NAME, "dev.posthaste")) {
            ((Logger) LoggerFactory.getLogger(name)).setLevel(Level.toLevel(level));
        }
    }

    private int tell() {
        try {
            System.out.println(new Simulation(seed, with, System.out::println).run());
            return 0;
        } catch (Oracle.ViolationException e) {
            System.out.println(e.getMessage());
            return 1;
        }
    }

    static String json(Seeds.Summary summary) {
        int runs = summary.recoveryMillis().size();
        return """
                {"seeds":%d,"events":%d,"faults":%d,"wireDuplicates":%d,"violations":%d,\
                "recoveryMedianMillis":%d,"recoveryWorstMillis":%d,"seconds":%.1f,"seedsPerSecond":%.0f}""".formatted(
                        summary.seeds(),
                        summary.events(),
                        summary.faults(),
                        summary.wireDuplicates(),
                        summary.failure() == null ? 0 : 1,
                        runs == 0 ? 0 : summary.recoveryMillis().get(runs / 2),
                        runs == 0 ? 0 : summary.recoveryMillis().get(runs - 1),
                        summary.seconds(),
                        summary.seeds() / summary.seconds());
    }
}
