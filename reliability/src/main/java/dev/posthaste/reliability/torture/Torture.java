package dev.posthaste.reliability.torture;

import dev.posthaste.reliability.planted.PlantedBug;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The campaign on the command line: a one-line summary, and exit code 1 with histories and seed if a promise was
 * broken.
 */
@Command(
        name = "./posthaste torture",
        mixinStandardHelpOptions = true,
        description =
                "Runs writers, relays and consumers as processes on real databases and brokers, with everything that can"
                        + " go wrong with them.")
public final class Torture implements Callable<Integer> {
    @Spec
    @Nullable
    CommandSpec command;

    @Option(names = "--minutes", defaultValue = "6", description = "Total length; default: ${DEFAULT-VALUE}.")
    double minutes;

    @Option(names = "--seed", description = "Decides the faults; default: the current time.")
    long seed = System.currentTimeMillis();

    @Option(
            names = "--pairs",
            split = ",",
            description =
                    "Databases and brokers, one pair after another, each with the next seed; default: all except those"
                            + " on a cluster or in an existing table.")
    List<String> pairs = Pair.USUAL;

    @Option(
            names = "--faults",
            split = ",",
            paramLabel = "KIND",
            description = "Only faults of these kinds, by the names that a run prints.")
    Set<String> only = Set.of();

    @Option(names = "--without", split = ",", paramLabel = "KIND", description = "No faults of these kinds.")
    Set<String> without = Set.of();

    @Option(
            names = "--at-once",
            paramLabel = "PAIRS",
            defaultValue = "1",
            description = "How many pairs run in parallel; default: ${DEFAULT-VALUE}.")
    int atOnce;

    @Option(
            names = "--settled",
            paramLabel = "ROWS",
            defaultValue = "0",
            description =
                    "How many earlier published rows the outbox keeps, with statistics that know of no others, plus a fifth as"
                            + " many that are due in ten days; default: ${DEFAULT-VALUE}. Not on SQLite.")
    long settled;

    @Option(
            names = "--plant",
            paramLabel = "BUG",
            converter = PlantedBug.ByName.class,
            description = "Plants the bug with this name, to see it detected.")
    @Nullable
    PlantedBug plant;

    private final Map<String, List<Long>> recoveries = new TreeMap<>();
    private final List<String> violations = new ArrayList<>();
    private final Tally all = new Tally();

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Torture())
                .setExitCodeExceptionMapper(failure -> 2) // the campaign itself failed, so the run proves nothing
                .execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        requireSensible();
        Duration each = Duration.ofMillis((long) (minutes * 60_000 * Math.min(atOnce, pairs.size()) / pairs.size()));
        ExecutorService stages = Executors.newFixedThreadPool(atOnce);
        try {
            List<Callable<Void>> runs = new ArrayList<>();
            for (int i = 0; i < pairs.size(); i++) {
                String pair = pairs.get(i);
                long its = seed + i;
                runs.add(() -> {
                    try {
                        run(pair, its, each);
                        return null;
                    } catch (Exception e) {
                        System.out.println(pair + " could not continue: " + e); // now, because others may run for long
                        throw e;
                    }
                });
            }
            for (Future<Void> run : stages.invokeAll(runs)) {
                run.get();
            }
        } finally {
            stages.shutdown();
            report();
        }
        return violations.isEmpty() ? 0 : 1;
    }

    private void requireSensible() {
        for (String pair : pairs) {
            if (!Pair.exists(pair)) {
                throw wrong("There is no pair '" + pair + "'; the pairs are " + String.join(",", Pair.USUAL) + " and "
                        + String.join(",", Pair.SPECIAL));
            }
        }
        if (settled > 0 && !pairs.stream().map(Pair::named).allMatch(Pair::canBeSettled)) {
            throw wrong("--settled fills Posthaste's own tables on servers, not SQLite's and not existing tables;"
                    + " name others with --pairs");
        }
        if (atOnce < 1 || minutes <= 0) {
            throw wrong("--minutes and --at-once must be more than 0");
        }
    }

    private ParameterException wrong(String why) {
        return new ParameterException(Objects.requireNonNull(command).commandLine(), why);
    }

    private synchronized void report() {
        recoveries.forEach((kind, millis) -> System.out.printf(
                "%-45s %5d times, recovered after %6d ms (median), %6d ms (worst)%n",
                kind,
                millis.size(),
                median(millis),
                millis.stream().max(Long::compare).orElse(0L)));
        violations.forEach(System.out::println);
        System.out.println(all.summary(violations.size(), seed));
    }

    private static long median(List<Long> millis) {
        List<Long> sorted = new ArrayList<>(millis);
        sorted.sort(null);
        return sorted.get(sorted.size() / 2);
    }

    private @Nullable Path planted(Path home) throws IOException {
        if (plant == null) {
            return null;
        }
        Path classes = home.resolve("planted");
        plant.plant(classes);
        return classes;
    }

    /** Repeats the run on another testbed and with another seed whenever a server is lost to a full disk. */
    private void run(String pair, long first, Duration time) throws Exception {
        long end = System.nanoTime() + time.toNanos();
        long its = first;
        Duration left = time;
        while (isWhole() && !left.isNegative()) { // otherwise a promise has been broken
            try {
                run(Pair.named(pair), its, left, time);
                return;
            } catch (LostServerException e) {
                System.out.println(pair + " starts over, and what was done so far is not counted: " + e.getMessage());
                its += pairs.size();
                left = Duration.ofNanos(end - System.nanoTime());
            }
        }
    }

    /** @param inAll the pair's total time, of which this may be the rest */
    private void run(Pair pair, long its, Duration time, Duration inAll) throws Exception {
        Path home = Files.createTempDirectory("posthaste-torture-" + pair + "-");
        System.out.printf("%s for %d s, seed %d, histories and logs in %s%n", pair, time.toSeconds(), its, home);
        try (Testbed stage = new Testbed(pair, home, its, planted(home), settled)) {
            Kinds kinds = new Kinds(only, without, inAll);
            take(
                    pair.name(),
                    its,
                    home,
                    new Campaign(pair.name(), stage, new Random(its), kinds, System.out).run(time));
        }
    }

    private synchronized boolean isWhole() {
        return violations.isEmpty();
    }

    private synchronized void take(String pair, long its, Path home, Campaign.Result result) {
        Tally one = new Tally();
        one.add(result);
        all.add(result);
        result.recoveries()
                .forEach((kind, millis) -> recoveries
                        .computeIfAbsent(kind, each -> new ArrayList<>())
                        .addAll(millis));
        List<String> broken = result.violations();
        broken.forEach(each -> violations.add(pair + ": " + each));
        System.out.println(pair + " " + one.summary(broken.size(), its));
        if (!broken.isEmpty()) {
            broken.forEach(each -> System.out.println(pair + ": " + each)); // now, because others may run for long
            System.out.println(pair + " broke a promise; its histories and logs are in " + home);
        }
    }

    /** The totals of campaigns. */
    private static final class Tally {
        private final Set<String> kinds = new TreeSet<>();
        private long events;
        private long faults;
        private long died;
        private long unknown;
        private long wireDuplicates;
        private long longestStall;
        private long deadLetters;
        private Figures figures = Figures.NONE;

        void add(Campaign.Result result) {
            Checks.Found found = result.found();
            kinds.addAll(result.kinds());
            events += found.events();
            faults += result.faults();
            died += found.died();
            unknown += found.unknown();
            wireDuplicates += found.wireDuplicates();
            longestStall = Math.max(longestStall, found.longestStall());
            deadLetters += found.deadLetters();
            figures = figures.and(result.figures());
        }

        String summary(int violations, long seed) {
            return ("{\"events\":%d,\"faults\":%d,\"kinds\":%d,\"violations\":%d,\"wireDuplicates\":%d,"
                            + "\"longestStallMillis\":%d,\"died\":%d,\"deadLetters\":%d,\"unknown\":%d,%s,\"seed\":%d}")
                    .formatted(
                            events,
                            faults,
                            kinds.size(),
                            violations,
                            wireDuplicates,
                            longestStall,
                            died,
                            deadLetters,
                            unknown,
                            figures.summary(),
                            seed);
        }
    }
}
