package dev.posthaste.benchmarks;

import dev.posthaste.Route;
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.kafka.KafkaSettings;
import dev.posthaste.rabbitmq.RabbitBroker;
import dev.posthaste.rabbitmq.RabbitSettings;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.RabbitServer;
import dev.posthaste.servers.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ./posthaste bench}. */
@Command(
        name = "posthaste bench",
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = {
            "Drains a backlog with one relay and, in turn, with the relay's own statements by hand and no relay: the"
                    + " limit. Starts its own servers. Events have 300 bytes and 1,000 keys; the broker acknowledges"
                    + " immediately unless the line names another.",
            "The table has ten million published events (a million with --quick), and statistics that do not reflect the"
                    + " backlog; autovacuum runs whenever it chooses to.",
            "The last line is PostgreSQL's medians as JSON. staleRatio is the relay's rate with such statistics as a"
                    + " multiple of its rate right after ANALYZE. millionRatio is an event's cost to the relay in a backlog"
                    + " of a million, as a multiple of its cost in one of 100,000, both in this program's heap of 256 MB."
        })
final class Bench implements Callable<Integer> {
    private static final int SMALL = 100_000;
    private static final int MILLION = 1_000_000;
    private static final int ROUNDS = 3;
    private static final Route ROUTE =
            Route.to("posthaste_bench").routingKey("bench").group("posthaste_bench_queue");

    @Option(names = "--quick", description = "Only PostgreSQL, and the million only once: under two minutes.")
    private boolean quick;

    @Option(
            names = "--kafka",
            description = "Only from PostgreSQL to Kafka, with one producer setting changed at a time.")
    private boolean kafka;

    @Option(names = "--sqlite", description = "Only SQLite, on a table with a million published events.")
    private boolean sqlite;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    private boolean help;

    /** Medians of one database. */
    private record Drain(double perSecond, double limitPerSecond) {
        double ratio() {
            return perSecond / limitPerSecond;
        }
    }

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Bench()).execute(arguments));
    }

    /** The defaults of {@code KafkaSettings}, and each of them changed. */
    private static final List<Map<String, String>> PRODUCERS = List.of(
            Map.of(),
            Map.of("linger.ms", "0"),
            Map.of("linger.ms", "20"),
            Map.of("batch.size", "16384"),
            Map.of("batch.size", "524288"),
            Map.of("compression.type", "none"),
            Map.of("compression.type", "zstd"));

    @Override
    public Integer call() throws Exception {
        if (kafka) {
            return kafkaAlone();
        }
        if (sqlite) {
            quick = true;
            other(Database.SQLITE, "SQLite, 100,000");
            return 0;
        }
        progress("Heap: " + Runtime.getRuntime().maxMemory() / (1 << 20) + " MB. Starting PostgreSQL…");
        System.out.printf("%-36s %12s %12s %8s%n", "backlog drained (events/s)", "relay", "by hand", "ratio");
        String json;
        try (TestDatabase database = DatabaseServer.of(Database.POSTGRESQL).createDatabase()) {
            Backlog backlog = new Backlog(database, ROUTE);
            DataSource pool = database.pool(4);
            warmUp(backlog, pool);
            Drain drain = drain("PostgreSQL, 100,000", backlog, pool, SMALL, ROUNDS);
            double stale = stale("PostgreSQL, 100,000", backlog, pool);
            double million = quick
                    ? rate(
                            "PostgreSQL, 1,000,000, relay",
                            backlog,
                            MILLION,
                            () -> ByRelay.drain(backlog, pool, ByRelay.AT_ONCE, MILLION))
                    : drain("PostgreSQL, 1,000,000", backlog, pool, MILLION, ROUNDS)
                            .perSecond();
            double idle = ByRelay.idle(backlog, pool, quick ? 8 : 30);
            System.out.printf("%-36s %12.1f%n", "idle outbox (statements/s)", idle);
            json = String.format(
                    Locale.ROOT,
                    "{\"drainPerSecond\":%.0f,\"limitPerSecond\":%.0f,\"ratio\":%.2f,\"staleRatio\":%.2f,"
                            + "\"millionRatio\":%.2f,\"idleStatementsPerSecond\":%.1f}",
                    drain.perSecond(),
                    drain.limitPerSecond(),
                    drain.ratio(),
                    stale,
                    drain.perSecond() / million,
                    idle);
            if (!quick) {
                rabbit(backlog, pool);
                kafka(backlog, pool, PRODUCERS.subList(0, 1));
            }
        }
        if (!quick) {
            other(Database.MARIADB, "MariaDB, 100,000");
            other(Database.MYSQL, "MySQL, 100,000");
            other(Database.SQLITE, "SQLite, 100,000");
        }
        System.out.println(json);
        return 0;
    }

    /** Alternates between both sides. */
    private static Drain drain(String name, Backlog backlog, DataSource pool, int events, int rounds) throws Exception {
        List<Double> relay = new ArrayList<>();
        List<Double> byHand = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            relay.add(rate(
                    name + ", relay", backlog, events, () -> ByRelay.drain(backlog, pool, ByRelay.AT_ONCE, events)));
            byHand.add(rate(name + ", by hand", backlog, events, () -> ByHand.drain(backlog, pool, events)));
        }
        Drain drain = new Drain(median(relay), median(byHand));
        line(name, drain.perSecond(), drain.limitPerSecond());
        return drain;
    }

    /** The relay's rate with statistics that do not reflect the backlog, and its rate right after ANALYZE, in turn. */
    private static double stale(String name, Backlog backlog, DataSource pool) throws Exception {
        List<Double> stale = new ArrayList<>();
        List<Double> fresh = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            stale.add(rate(
                    name + ", stale statistics",
                    backlog,
                    SMALL,
                    () -> ByRelay.drain(backlog, pool, ByRelay.AT_ONCE, SMALL)));
            fresh.add(rate(name + ", after ANALYZE", backlog, SMALL, () -> {
                backlog.tidyUp();
                return ByRelay.drain(backlog, pool, ByRelay.AT_ONCE, SMALL);
            }));
        }
        System.out.printf(
                Locale.ROOT,
                "%-36s %,12.0f %,12.0f %8.2f%n",
                name + ", stale / fresh",
                median(stale),
                median(fresh),
                median(stale) / median(fresh));
        return median(stale) / median(fresh);
    }

    /** Warms up both sides, and leaves a table as in production: many published events, and free space to write to. */
    private void warmUp(Backlog backlog, DataSource pool) throws Exception {
        progress("Filling the table with published events…");
        backlog.fillPublished(quick ? MILLION : 10 * MILLION);
        rate("warming up, by hand", backlog, MILLION, () -> ByHand.drain(backlog, pool, MILLION));
        rate("warming up, relay", backlog, SMALL, () -> ByRelay.drain(backlog, pool, ByRelay.AT_ONCE, SMALL));
        backlog.tidyUp();
    }

    /** Fills, drains, and returns the events drained per second. */
    private static double rate(String what, Backlog backlog, int events, Callable<Double> drain) throws Exception {
        backlog.fill(events);
        double rate = events / drain.call();
        progress(String.format(Locale.ROOT, "  %s: %,.0f/s", what, rate));
        return rate;
    }

    private static void rabbit(Backlog backlog, DataSource pool) throws Exception {
        progress("Starting RabbitMQ…");
        RabbitServer server;
        try {
            server = RabbitServer.shared();
        } catch (IllegalStateException e) {
            progress("RabbitMQ was not measured: " + e.getMessage());
            return;
        }
        RabbitSettings settings = RabbitSettings.of(server.uri()).declare(true);
        List<Double> rates = new ArrayList<>();
        for (int round = 0; round <= ROUNDS; round++) {
            try (RabbitBroker broker = RabbitBroker.of(settings)) {
                rates.add(rate("to RabbitMQ", backlog, SMALL, () -> ByRelay.drain(backlog, pool, broker, SMALL)));
            }
        }
        line("PostgreSQL to RabbitMQ, 100,000", median(rates.subList(1, rates.size())), null);
    }

    private int kafkaAlone() throws Exception {
        progress("Starting PostgreSQL…");
        try (TestDatabase database = DatabaseServer.of(Database.POSTGRESQL).createDatabase()) {
            Backlog backlog = new Backlog(database, ROUTE);
            DataSource pool = database.pool(4);
            warmUp(backlog, pool);
            kafka(backlog, pool, PRODUCERS);
        }
        return 0;
    }

    /** Alternates between the producers in each round, so that other load on the machine affects all of them alike. */
    private static void kafka(Backlog backlog, DataSource pool, List<Map<String, String>> producers) throws Exception {
        progress("Starting Kafka…");
        try (KafkaServer server = KafkaServer.start(1, Map.of("auto.create.topics.enable", "false"))) {
            KafkaSettings settings = KafkaSettings.of(server.bootstrap());
            server.createTopic(ROUTE.destination(), 6);
            List<List<Double>> rates = producers.stream()
                    .map(each -> (List<Double>) new ArrayList<Double>())
                    .toList();
            for (int round = 0; round <= ROUNDS; round++) {
                for (int i = 0; i < producers.size(); i++) {
                    try (KafkaBroker broker = KafkaBroker.of(settings.producer(producers.get(i)))) {
                        rates.get(i)
                                .add(rate(
                                        "to Kafka " + producers.get(i),
                                        backlog,
                                        SMALL,
                                        () -> ByRelay.drain(backlog, pool, broker, SMALL)));
                    }
                }
            }
            for (int i = 0; i < producers.size(); i++) {
                List<Double> counted = rates.get(i).subList(1, rates.get(i).size());
                String changed = producers.get(i).isEmpty() ? "" : " " + producers.get(i);
                line("PostgreSQL to Kafka, 100,000" + changed, median(counted), null);
            }
        }
    }

    private void other(Database kind, String name) throws Exception {
        progress("Starting " + kind + "…");
        try (TestDatabase database = DatabaseServer.of(kind).createDatabase()) {
            Backlog backlog = new Backlog(database, ROUTE);
            DataSource pool = database.pool(4);
            warmUp(backlog, pool);
            drain(name, backlog, pool, SMALL, ROUNDS);
            stale(name, backlog, pool);
            System.out.printf(
                    "%-36s %12.1f%n",
                    name.replaceFirst(",.*", ", idle (statements/s)"), ByRelay.idle(backlog, pool, 8));
        }
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        return sorted.get(sorted.size() / 2);
    }

    private static void line(String name, double relay, @Nullable Double byHand) {
        if (byHand == null) {
            System.out.printf(Locale.ROOT, "%-36s %,12.0f%n", name, relay);
        } else {
            System.out.printf(Locale.ROOT, "%-36s %,12.0f %,12.0f %8.2f%n", name, relay, byHand, relay / byHand);
        }
    }

    private static void progress(String line) {
        System.err.println(line);
    }
}
