package dev.posthaste.examples.configcenter;

import dev.posthaste.examples.support.DemoCommand;
import java.net.BindException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ./posthaste demo}: the configuration centre as a page to play with, or as a load test that checks itself. */
@Command(
        name = "posthaste demo",
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = {
            "Runs the configuration centre: change configurations in a web page, and watch each change become a history"
                    + " record through an outbox.",
            "Without options: on a SQLite file and the local broker; your changes are still there next time."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:success",
            "1:with --changes: something was lost, duplicated, invented or out of order, or did not finish",
            "2:an option is invalid, a server cannot be reached, or a port is in use"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  ./posthaste demo",
            "  ./posthaste demo --database jdbc:postgresql://localhost/config --user me --password secret"
                    + " --broker amqp://guest:guest@localhost",
            "  ./posthaste demo --changes 10000 --exit",
            "",
            "The password can also be set in the environment: POSTHASTE_PASSWORD."
        })
final class Demo extends DemoCommand {
    @Option(
            names = "--broker",
            order = 10,
            paramLabel = "URI",
            description =
                    "RabbitMQ as amqp://user:password@host:port/vhost; default: the local broker, in this process.")
    private @Nullable String broker;

    @Option(
            names = "--port",
            order = 11,
            paramLabel = "N",
            defaultValue = "8080",
            description = "Port of the page, 0 for any; default: ${DEFAULT-VALUE}.")
    private int port;

    @Option(
            names = "--changes",
            order = 30,
            paramLabel = "N",
            description =
                    "Make N changes from 30 concurrent writers over 200 configurations, one in ten rolled back on purpose, and check the result.")
    private @Nullable Integer changes;

    @Option(
            names = "--exit",
            order = 31,
            description = "Exit after checking the changes instead of opening the page; requires --changes.")
    private boolean exit;

    @Option(names = "--resume", order = 32, description = "Continue the last --changes run, which was killed.")
    private boolean resume;

    Demo() {
        super(Path.of("data/demo"));
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
        Settings settings = new Settings(database(Settings.SQLITE_FILE), broker);
        try (Application application = Application.start(settings)) {
            if (changes != null && exit) {
                return new LoadRun(application, changes, resume).run();
            }
            return serve(application, settings);
        }
    }

    private void checkOptions() {
        checkLoad("--changes", changes, exit, resume);
        if (port < 0 || port > 65_535) {
            throw wrong("--port must be a number from 0 to 65535, not " + port);
        }
        checkDatabase("jdbc:postgresql://localhost/config");
        if (broker != null && !broker.matches("amqps?://.*")) {
            throw wrong("--broker must be an AMQP URI such as amqp://guest:guest@localhost");
        }
    }

    private int serve(Application application, Settings settings) throws SQLException, InterruptedException {
        Examples.fill(application.configs());
        CountDownLatch stopped = new CountDownLatch(1);
        try (WebServer web = WebServer.start(application, port)) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                web.close();
                application.close();
                stopped.countDown();
            }));
            System.out.println("Configuration centre on " + settings.database().name() + " and " + settings.brokerName()
                    + ": " + web.address());
            System.out.println(
                    "Stop the history or the broker on that page, and keep making changes. Press Ctrl-C to quit.");
            if (changes != null) {
                new LoadRun(application, changes, resume).run();
            }
            stopped.await();
            return 0;
        } catch (RuntimeException e) {
            if (hasCause(e, BindException.class)) {
                return complain("Port " + port + " is in use; choose another one with --port, or 0 for any free port");
            }
            throw e;
        }
    }

    private static boolean hasCause(@Nullable Throwable e, Class<? extends Throwable> type) {
        for (Throwable each = e; each != null; each = each.getCause()) {
            if (type.isInstance(each)) {
                return true;
            }
        }
        return false;
    }

    /** The configurations that a first visitor finds. */
    private static final class Examples {
        static void fill(ConfigCenter configs) throws SQLException {
            if (!configs.list(1).isEmpty()) {
                return;
            }
            for (List<String> each : List.of(
                    List.of("checkout", "en", "payment.timeout", "How long a payment may take", "{\"seconds\":30}"),
                    List.of("checkout", "en", "payment.methods", "What we take", "[\"card\",\"transfer\"]"),
                    List.of("checkout", "de", "payment.methods", "Was wir nehmen", "[\"Karte\",\"Rechnung\"]"),
                    List.of("search", "en", "ranking.weights", "What counts", "{\"title\":3,\"text\":1}"),
                    List.of("user_service", "en", "feature_x", "A switch", "{\"on\":false}"))) {
                Config created = configs.create(new Config.Draft(
                        each.get(0), each.get(1), each.get(2), each.get(3), 1, each.get(4), "{}", "ada", ""));
                configs.release(new Config.Change(created.id(), 0, "ada", null));
            }
            configs.create(new Config.Draft(
                    "user_service", "en", "feature_y", "Not released yet", 1, "{\"on\":true}", "{}", "ada", ""));
        }
    }
}
