package dev.posthaste.fuzz;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.posthaste.servers.Database;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Fuzzes from the command line; the same seed produces the same input. */
@Command(
        name = "./posthaste fuzz",
        mixinStandardHelpOptions = true,
        description = {
            "Feeds hostile input, drawn from seeds, to everything that reads data from other programs.",
            "Exits with 1 if a promise was broken, and prints the target, the seed and the input."
        })
public final class Fuzz implements Callable<Integer> {
    /** Opens a target; some start a database or a daemon. */
    private interface Opening {
        Target open(Database database) throws Exception;
    }

    private static final Map<String, Opening> TARGETS = targets();

    @Option(names = "--seed", description = "The first seed for each target; default: the current time.")
    @Nullable
    Long seed;

    @Option(names = "--seeds", description = "How many seeds for each target; default: as many as --minutes allows.")
    @Nullable
    Long seeds;

    @Option(
            names = "--minutes",
            defaultValue = "1",
            description = "How long to run, all targets together; default: ${DEFAULT-VALUE}.")
    double minutes;

    @Option(
            names = "--only",
            paramLabel = "TARGET",
            description = "Only this target, repeatable; an unknown name lists all targets.")
    List<String> only = new ArrayList<>();

    @Option(
            names = "--database",
            defaultValue = "H2",
            description =
                    "The database for targets that need one: ${COMPLETION-CANDIDATES}; default: ${DEFAULT-VALUE}.")
    Database database = Database.H2;

    private static Map<String, Opening> targets() {
        Map<String, Opening> all = new LinkedHashMap<>();
        all.put("json", database -> new JsonTarget());
        all.put("envelope", database -> new EnvelopeTarget());
        all.put("formats", database -> new FormatsTarget());
        all.put("headers", database -> new HeadersTarget());
        all.put("foreign", database -> new ForeignMessagesTarget());
        all.put("receipts", ReceiptsTarget::new);
        all.put("inbox", InboxTarget::new);
        all.put("layouts", LayoutsTarget::new);
        all.put("rows", RowsTarget::new);
        all.put("yaml", database -> new YamlTarget());
        all.put("rest", RestTarget::new);
        return all;
    }

    public static void main(String[] arguments) {
        beQuiet();
        System.exit(new CommandLine(new Fuzz())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExitCodeExceptionMapper(failure -> 2) // the fuzzer itself failed, so the run proves nothing
                .execute(arguments));
    }

    /** What is logged about hostile inputs is of no interest. */
    static void beQuiet() {
        ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).setLevel(Level.OFF);
    }

    static List<String> names() {
        return List.copyOf(TARGETS.keySet());
    }

    @Override
    public Integer call() throws Exception {
        List<String> chosen = only.isEmpty() ? names() : only;
        for (String each : chosen) {
            if (!TARGETS.containsKey(each)) {
                System.err.println("There is no target '" + each + "'; the targets are " + String.join(", ", names()));
                return 2;
            }
        }
        long first = seed == null ? System.currentTimeMillis() : seed;
        long each = seeds == null ? Long.MAX_VALUE : seeds;
        Duration time = seeds == null ? Duration.ofMillis((long) (minutes * 60_000)) : Duration.ofDays(365);
        long start = System.nanoTime();
        List<Fuzzing.Result> results = run(chosen, database, first, each, time);
        System.out.println(json(first, results, (System.nanoTime() - start) / 1e9));
        List<Fuzzing.Result> found =
                results.stream().filter(result -> result.finding() != null).toList();
        for (Fuzzing.Result result : found) {
            System.out.println("Target " + result.target() + ", seed " + result.seed() + ": " + result.finding());
            System.out.println("Repeat it with: ./posthaste fuzz --only " + result.target() + " --seed " + result.seed()
                    + " --seeds 1");
        }
        return found.isEmpty() ? 0 : 1;
    }

    /** Runs one target after another, each for an equal share of the time. */
    static List<Fuzzing.Result> run(List<String> targets, Database database, long first, long seeds, Duration time)
            throws Exception {
        List<Fuzzing.Result> results = new ArrayList<>();
        for (String name : targets) {
            try (Target target =
                    java.util.Objects.requireNonNull(TARGETS.get(name)).open(database)) {
                Fuzzing.Result result = Fuzzing.run(target, first, seeds, time.dividedBy(targets.size()));
                results.add(result);
                System.err.printf(
                        "%s: %,d inputs%s%n", name, result.runs(), result.finding() == null ? "" : ", a finding");
            }
        }
        return results;
    }

    static String json(long first, List<Fuzzing.Result> results, double seconds) {
        return String.format(
                Locale.ROOT,
                "{\"seed\":%d,\"inputs\":%d,\"violations\":%d,\"seconds\":%.1f,\"targets\":{%s}}",
                first,
                results.stream().mapToLong(Fuzzing.Result::runs).sum(),
                results.stream().filter(each -> each.finding() != null).count(),
                seconds,
                results.stream()
                        .map(each -> "\"" + each.target() + "\":" + each.runs())
                        .collect(Collectors.joining(",")));
    }
}
