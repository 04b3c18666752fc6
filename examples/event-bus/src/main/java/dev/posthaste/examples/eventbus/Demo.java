package dev.posthaste.examples.eventbus;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.examples.support.DemoCommand;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Locale;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ./posthaste demo event-bus}: three services to watch, or a load test that checks itself. */
@Command(
        name = "posthaste demo event-bus",
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = {
            "Runs three services, each with its own outbox, topic and consumer group. What is said to the agent becomes"
                    + " history, and then an event of the memory service: a chain across two outboxes.",
            "Without options: on a SQLite file and the local broker, writing a few events per second and showing their"
                    + " progress, until you press Ctrl-C."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:success",
            "1:with --events: something was lost, duplicated, invented or out of order, or did not finish",
            "2:an option is invalid, or a server cannot be reached"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  ./posthaste demo event-bus",
            "  ./posthaste demo event-bus --events 10000 --exit --fail-rate 0.2",
            "  ./posthaste demo event-bus --database jdbc:mariadb://localhost/bus --user me --password secret"
                    + " --broker kafka://localhost:9092 --events 10000 --exit",
            "",
            "The password can also be set in the environment: POSTHASTE_PASSWORD."
        })
final class Demo extends DemoCommand {
    private static final long PAUSE_MILLIS = 50;
    private static final long SHOW_EVERY = 20;

    @Option(
            names = "--broker",
            order = 10,
            paramLabel = "URI",
            description =
                    "Kafka as kafka://host:port, several separated by commas; default: the local broker, in this process.")
    private @Nullable String broker;

    @Option(
            names = "--fail-rate",
            order = 30,
            paramLabel = "SHARE",
            defaultValue = "0",
            description = "How often a handler fails on purpose, 0 to 0.9; default: ${DEFAULT-VALUE}.")
    private double failRate;

    @Option(
            names = "--events",
            order = 31,
            paramLabel = "N",
            description =
                    "Write N events from 16 concurrent writers over 50 conversations and tasks, one in ten rolled back on purpose, and check the result; requires --exit.")
    private @Nullable Integer events;

    @Option(names = "--exit", order = 32, description = "Exit after checking the events; requires --events.")
    private boolean exit;

    @Option(names = "--resume", order = 33, description = "Continue the last --events run, which was killed.")
    private boolean resume;

    Demo() {
        super(Path.of("data/event-bus"));
    }

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /** Runs to completion and returns the exit code. */
    static int run(String... arguments) {
        return new Demo().execute(arguments);
    }

    @Override
    public Integer call() throws Exception {
        checkOptions();
        String servers = broker == null ? null : broker.substring("kafka://".length());
        Settings settings = new Settings(database(Settings.SQLITE_FILE), servers, failRate);
        try (EventBus bus = EventBus.start(settings)) {
            Integer wanted = events;
            return wanted == null ? show(bus, settings) : new LoadRun(bus, wanted, resume).run();
        }
    }

    private void checkOptions() {
        checkLoad("--events", events, exit, resume);
        if (events != null && !exit) {
            throw wrong("--events requires --exit");
        }
        if (!(failRate >= 0 && failRate <= 0.9)) {
            throw wrong("--fail-rate must be a number from 0 to 0.9, not " + failRate);
        }
        checkDatabase("jdbc:mariadb://localhost/bus");
        if (broker != null && !broker.matches("kafka://[^,/@]+:[0-9]+(,[^,/@]+:[0-9]+)*")) {
            throw wrong("--broker must name Kafka's servers, such as kafka://localhost:9092");
        }
    }

    /** Writes a few events per second and shows how many are in each state. */
    private static int show(EventBus bus, Settings settings) throws SQLException, InterruptedException {
        CountDownLatch stop = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stop.countDown();
            bus.close();
        }));
        System.out.println("Three services on " + settings.database().name() + " and " + settings.brokerName()
                + ". Press Ctrl-C to quit.");
        Writer writer = new Writer(
                bus, IntStream.range(0, 10).mapToObj(i -> "show-" + i).toList());
        writer.open();
        for (int number = 0; !stop.await(PAUSE_MILLIS, TimeUnit.MILLISECONDS); number++) {
            writer.write(number);
            if (number % SHOW_EVERY == 0) {
                System.out.println(statuses(bus));
            }
        }
        return 0;
    }

    private static String statuses(EventBus bus) throws SQLException {
        StringBuilder line = new StringBuilder();
        for (OutboxDefinition outbox : EventBus.CATALOG.outboxes()) {
            TreeMap<String, Long> counts = new TreeMap<>();
            bus.tables()
                    .query(
                            "select status, count(*) from " + bus.tables().quoted(outbox.table()) + " group by status",
                            row -> counts.put(row.getString(1), row.getLong(2)));
            line.append(String.format(
                    Locale.ROOT,
                    "%-7s pending %-4d published %-4d consumed %-6d dead %-4d",
                    outbox.name(),
                    counts.getOrDefault("pending", 0L),
                    counts.getOrDefault("published", 0L),
                    counts.getOrDefault("consumed", 0L),
                    counts.getOrDefault("dead", 0L)));
        }
        return line.toString().stripTrailing();
    }
}
