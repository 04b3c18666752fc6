package dev.posthaste.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.server.cli.Posthaste;
import dev.posthaste.server.config.Config;
import dev.posthaste.server.config.ConfigReader;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.Ports;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.RabbitServer;
import dev.posthaste.servers.TestDatabase;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** The daemon as a process, between PostgreSQL and RabbitMQ and between MariaDB and Kafka, and its command line. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DaemonTest {
    private static Path home;
    private static Path file;
    private static TestDatabase shop;
    private static TestDatabase crm;

    @BeforeAll
    static void open() throws Exception {
        home = Files.createTempDirectory("posthaste-daemon-");
        Processes.deleteOnExit(home);
        shop = DatabaseServer.of(Database.POSTGRESQL).createDatabase();
        crm = DatabaseServer.of(Database.MARIADB).createDatabase();
        String topic = "calls-" + ProcessHandle.current().pid();
        KafkaServer.shared().createTopic(topic, 3);
        file = home.resolve("posthaste.yml");
        Files.writeString(file, """
                databases:
                  shop: {url: "%s"}
                  crm: {url: "%s"}
                brokers:
                  rabbit: {url: "%s", declare: true}
                  kafka: {url: "kafka://%s"}
                outboxes:
                  orders:
                    database: shop
                    broker: rabbit
                    route: {destination: shop-%4$s, routing-key: orders, group: orders-%4$s}
                    types: [order.placed]
                    allowed-destinations: [nowhere]
                    retry: {base: 50ms, ceiling: 50ms, attempts: 2}
                  calls:
                    database: crm
                    broker: kafka
                    route: {destination: %s}
                    types: [call.made]
                relay: {lease: 6s, publish-timeout: 2s}
                console: {port: 0}
                """.formatted(
                        shop.url(),
                        crm.url(),
                        RabbitServer.shared().uri(),
                        KafkaServer.shared().bootstrap(),
                        topic));
    }

    @AfterAll
    static void close() {
        shop.close();
        crm.close();
    }

    // --- Helpers -----------------------------------------------------------------------------------------------------

    /** A command's exit code and output. */
    private record Said(int code, String out, String err) {}

    private static Said say(String... command) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        List<String> arguments = new java.util.ArrayList<>(List.of(command));
        if (!command[0].startsWith("-") && !command[0].equals("hash-password") && !command[0].equals("new-token")) {
            arguments.addAll(List.of("-c", file.toString()));
        }
        int code = Posthaste.execute(
                new PrintWriter(out, true), new PrintWriter(err, true), arguments.toArray(String[]::new));
        return new Said(code, out.toString(), err.toString());
    }

    private static Process daemon(String name) {
        return Processes.java(name, home, Map.of(), Posthaste.class, "run", "-c", file.toString());
    }

    private static String log(String name) {
        try {
            return Files.readString(home.resolve(name + ".log"));
        } catch (java.io.IOException e) {
            return "";
        }
    }

    private static void write(String outbox, String type, int from, int to) throws Exception {
        try (Connection connection = connect(outbox)) {
            insert(connection, outbox, type, from, to);
            connection.commit();
        }
    }

    private static Connection connect(String outbox) throws Exception {
        Connection connection =
                (outbox.equals("orders") ? shop : crm).dataSource().getConnection();
        connection.setAutoCommit(false);
        return connection;
    }

    private static JdbcOutbox writer(String outbox) {
        Config config = ConfigReader.read(file, Map.of());
        return JdbcOutbox.of(ConfigReader.catalog(
                List.of(Objects.requireNonNull(config.outboxes().get(outbox)))));
    }

    private static void insert(Connection connection, String outbox, String type, int from, int to) throws Exception {
        writer(outbox)
                .write(
                        connection,
                        IntStream.range(from, to)
                                .mapToObj(i -> Event.of(type, "k" + i % 5, "{\"n\":" + i + "}"))
                                .toList());
    }

    private static void refused(int count) throws Exception {
        JdbcOutbox writer = writer("orders");
        try (Connection connection = connect("orders")) {
            for (int i = 0; i < count; i++) {
                writer.write(connection, Event.of("order.placed", null, "{}").destination("nowhere"));
            }
            connection.commit();
        }
    }

    private static long settled(TestDatabase database, String table, String status) {
        return database.count("select count(*) from " + table + " where status = '" + status + "'");
    }

    private static void until(String what, java.util.function.BooleanSupplier done) throws Exception {
        TestSite.until(what + "; the daemon's log: " + log("one"), done);
    }

    private static void terminate(Process daemon) throws Exception {
        Processes.signal("TERM", daemon.pid());
        assertThat(daemon.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(daemon.exitValue()).as("SIGTERM's").isEqualTo(143);
    }

    // --- From the first start ----------------------------------------------------------------------------------------

    @Test
    @Order(1)
    void checkSaysEverythingThatIsMissing() throws Exception {
        Said said = say("check");
        assertThat(said.code()).isEqualTo(3);
        assertThat(said.err())
                .contains(
                        "posthaste.yml:8: table orders_outbox of outbox orders is missing",
                        "posthaste.yml:15: table calls_outbox of outbox calls is missing",
                        "table posthaste_lease is missing");
        Path wrong = home.resolve("wrong.yml");
        int port = Ports.free();
        Files.writeString(wrong, """
                databases:
                  shop: {url: "jdbc:postgresql://127.0.0.1:%1$d/x?user=a&password=hidden"}
                brokers:
                  rabbit: {url: "amqp://guest:hidden@127.0.0.1:%1$d"}
                  kafka: {url: "kafka://127.0.0.1:%1$d"}
                  typed: {url: "kafka://127.0.0.1:%1$d", producer: {compression.type: best}}
                outboxes:
                  orders: {broker: rabbit, route: {destination: x}}
                console: {address: 192.0.2.1, tokens: [{name: a, hash: "sha256:%2$s"}]}
                """.formatted(port, "0".repeat(64)));
        StringWriter err = new StringWriter();
        int code = Posthaste.execute(
                new PrintWriter(new StringWriter(), true), new PrintWriter(err, true), "check", "-c", wrong.toString());
        assertThat(code).isEqualTo(3);
        assertThat(err.toString())
                .contains("wrong.yml:2: database shop", "wrong.yml:4: broker rabbit", "wrong.yml:5: broker kafka")
                .containsPattern("wrong.yml:6: broker typed .*compression.type")
                .contains("wrong.yml:9: 'console.address' 192.0.2.1 is not an address of this machine")
                .doesNotContain("hidden");
    }

    @Test
    @Order(2)
    void initPrintsTheSchemaOrAppliesIt() {
        Said printed = say("init", "--database", "shop");
        assertThat(printed.out())
                .contains("create table if not exists \"orders_outbox\"", "posthaste_audit")
                .doesNotContain("calls");
        assertThat(say("init", "--apply").code()).isZero();
        assertThat(say("init", "--apply").code()).as("twice").isZero();
        Said checked = say("check");
        assertThat(checked.code()).as(checked.err()).isZero();
        assertThat(checked.out()).contains("All is well: 2 databases, 2 brokers, 2 outboxes");
    }

    @Test
    @Order(3)
    void aDaemonRelaysFromBothDatabasesToBothBrokers() throws Exception {
        Process daemon = daemon("one");
        write("orders", "order.placed", 0, 500);
        write("calls", "call.made", 0, 500);
        until(
                "all are published",
                () -> settled(shop, "orders_outbox", "published") == 500
                        && settled(crm, "calls_outbox", "published") == 500);
        assertThat(log("one")
                        .lines()
                        // What the tests' own libraries log (a driver, OpenTelemetry's SDK), and newer JDKs' warnings
                        // about native code on a class path; the runnable jar's manifest allows it.
                        .filter(line -> !line.matches("Loading class `com.mysql.*|.*OpenTelemetry.*|WARNING: .*|"))
                        .toList())
                .anyMatch(line -> line.contains("Console at http://127.0.0.1:"))
                .allMatch(line -> line.matches("\\d{4}-\\d\\d-\\d\\dT.* (INFO|WARN) .*"), "one line per event");
        terminate(daemon);
        assertThat(log("one")).contains("Stopping: draining", "Stopped");
        assertThat(shop.query("select owner from posthaste_lease"))
                .as(log("one"))
                .containsExactly("");
        assertThat(crm.query("select owner from posthaste_lease"))
                .as(log("one"))
                .containsExactly("");
    }

    @Test
    @Order(4)
    void aRollingRestartLosesNoTimeBeyondTheHandOver() throws Exception {
        Process one = daemon("two");
        until("it relays", () -> log("two").contains(" relays orders, calls"));
        Process other = daemon("three");
        until("the other is ready", () -> log("three").contains(" relays orders, calls"));
        long longest = 0;
        long start = System.nanoTime();
        boolean stopped = false;
        for (int i = 0; System.nanoTime() - start < Duration.ofSeconds(8).toNanos(); i++) {
            write("orders", "order.placed", 1000 + i, 1001 + i);
            if (!stopped && i > 20) {
                Processes.signal("TERM", one.pid());
                stopped = true;
            }
            Thread.sleep(50);
            longest = Math.max(
                    longest,
                    shop.count(
                            "select coalesce(max(extract(epoch from clock_timestamp() - created_at) * 1000), 0)::bigint"
                                    + " from orders_outbox where status = 'pending'"));
        }
        assertThat(one.waitFor(20, TimeUnit.SECONDS)).isTrue();
        until("all are published", () -> settled(shop, "orders_outbox", "pending") == 0);
        assertThat(longest)
                .as(
                        "milliseconds that the oldest event waited; a lease is 6,000; the daemons' logs: %s and %s",
                        log("two"), log("three"))
                .isLessThan(6_000);
        terminate(other);
    }

    @Test
    @Order(5)
    void aStopInTheMiddleOfTheStartGivesOutboxesBack() throws Exception {
        Process daemon = daemon("four");
        until(
                "it owns the outbox",
                () -> shop.query("select owner from posthaste_lease where owner <> ''")
                                .size()
                        == 1);
        terminate(daemon);
        assertThat(log("four")).contains("Stopped");
        assertThat(shop.query("select owner from posthaste_lease"))
                .as(log("one"))
                .containsExactly("");
    }

    // --- The command line --------------------------------------------------------------------------------------------

    @Test
    @Order(6)
    void operatorsMendWithoutSql() throws Exception {
        Process daemon = daemon("four");
        refused(3);
        until("they are dead", () -> settled(shop, "orders_outbox", "dead") == 3);
        Said status = say("status");
        assertThat(status.out())
                .containsPattern("OUTBOX +PENDING +OLDEST +DEAD +RELAY")
                .containsPattern("orders +0 +- +3 +");
        assertThat(say("status", "--json").out().lines().toList())
                .hasSize(2)
                .allMatch(line -> line.startsWith("{\"outbox\":"));
        Said dead = say("search", "orders", "--status", "dead", "--error", "nowhere");
        assertThat(dead.out().lines().toList()).hasSize(4);
        assertThat(dead.out()).containsPattern("POSITION +WRITTEN +STATUS +ATTEMPTS +TYPE");
        String position = shop.query("select min(id) from orders_outbox where status = 'dead'")
                .get(0);
        assertThat(say("show", "orders", position).out()).contains("order.placed", "NOT_FOUND", "{}");
        assertThat(say("show", "orders", "987654").code()).isEqualTo(1);
        assertThat(say("search", "orders", "--status", "dead", "--json")
                        .out()
                        .lines()
                        .toList())
                .hasSize(3)
                .allMatch(line -> line.startsWith("{\"id\":") && !line.contains("stored"));
        Said unexpected = say("requeue", "orders", "--all", "--expect", "7", "-m", "try again");
        assertThat(unexpected.code()).isEqualTo(1);
        assertThat(unexpected.err()).contains("outbox orders has 3 that match");
        assertThat(say("requeue", "orders", position).code())
                .as("without a reason")
                .isEqualTo(2);
        assertThat(say("requeue", "orders", "--all", position, "-m", "both").code())
                .isEqualTo(2);
        assertThat(say("discard", "orders", position, "-m", "a test", "--as", "ada")
                        .out())
                .contains("1 event discarded");
        assertThat(say("discard", "orders", position, "-m", "again").code()).isEqualTo(1);
        assertThat(say("requeue", "orders", "--all", "--error", "nowhere", "-m", "try again")
                        .out())
                .contains("2 events requeued");
        until("they are dead again", () -> settled(shop, "orders_outbox", "dead") == 2);
        assertThat(say("leases").out()).contains("OWNER", "orders");
        assertThat(say("pause", "orders", "-m", "an upgrade").out()).contains("is paused");
        assertThat(say("pause", "orders", "-m", "an upgrade").code()).isEqualTo(1);
        until("the daemon gives up the outbox", () -> say("leases").out().contains("orders  -"));
        assertThat(say("resume", "orders", "-m", "done").code()).isZero();
        Said dry = say("replay", "orders", "--status", "published", "--key", "k1", "-m", "rebuilt");
        assertThat(dry.out()).containsPattern("\\d+ events would be sent again").contains("--go");
        Said replayed = say(
                "replay",
                "orders",
                "--status",
                "published",
                "--key",
                "k1",
                "-m",
                "rebuilt",
                "--go",
                "--per-second",
                "1000");
        assertThat(replayed.out()).containsPattern("finished: \\d+ sent, 0 failed");
        assertThat(say("replay", "orders", "--status", "pending", "-m", "wrong", "--go")
                        .code())
                .isEqualTo(2);
        assertThat(say("purge", "orders", "--keep", "0s", "-m", "space").out())
                .containsPattern("\\d{3} events deleted");
        Said audit = say("audit", "orders");
        assertThat(audit.out()).contains("purge", "replay", "pause", "resume", "requeue", "discard", "ada", "a test");
        assertThat(say("tail", "orders", "-n", "2").out().lines().count()).isEqualTo(2);
        assertThat(say("search", "nothing").err())
                .contains("No outbox is named 'nothing'; the outboxes are orders, calls");
        terminate(daemon);
    }

    @Test
    @Order(7)
    void tailFollows() throws Exception {
        Process tail = Processes.java(
                "tail", home, Map.of(), Posthaste.class, "tail", "calls", "-f", "-n", "1", "-c", file.toString());
        until("it has started", () -> log("tail").contains("call.made"));
        try (Connection late = connect("calls")) {
            insert(late, "calls", "call.made", 9_000, 9_001);
            write("calls", "call.made", 9_001, 9_003);
            until("it shows new events", () -> shown("tail") == 3);
            late.commit();
        }
        until("it shows events committed after newer ones", () -> shown("tail") == 4);
        tail.destroy();
    }

    private static long shown(String name) {
        return log(name).lines().filter(line -> line.contains("call.made")).count();
    }

    @Test
    @Order(8)
    void aMistakeIsToldAndHelpIsThere() throws Exception {
        assertThat(say("--help").out()).contains("requeue", "Exit codes");
        assertThat(say("generate-completion", "--help").code()).isZero();
        assertThat(say("serch", "orders").code()).isEqualTo(2);
        assertThat(say("search", "orders", "--from", "yesterday").err()).contains("neither a time");
        assertThat(say("new-token").out()).containsPattern("hash:  sha256:[0-9a-f]{64}");
        StringWriter err = new StringWriter();
        assertThat(Posthaste.execute(
                        new PrintWriter(new StringWriter(), true),
                        new PrintWriter(err, true),
                        "status",
                        "-c",
                        "/no/such.yml"))
                .isEqualTo(2);
        assertThat(err.toString()).contains("/no/such.yml: cannot be read: there is no such file");
    }

    @Test
    @Order(9)
    void B15_aReplayWhoseProcessWasKilledContinuesWhenADaemonStarts() throws Exception {
        Process daemon = daemon("five");
        write("orders", "order.placed", 20_000, 20_200);
        until("all are published", () -> settled(shop, "orders_outbox", "pending") == 0);
        long all = settled(shop, "orders_outbox", "published");
        Process replay = Processes.java(
                "replay",
                home,
                Map.of(),
                Posthaste.class,
                List.of(
                                "replay",
                                "orders",
                                "--status",
                                "published",
                                "-m",
                                "rebuilt",
                                "--go",
                                "--per-second",
                                "50",
                                "--change-id",
                                "killed",
                                "-c",
                                file.toString())
                        .toArray(String[]::new));
        until(
                "it has recorded its progress",
                () -> shop.count("select coalesce(sum(events), 0) from posthaste_audit where change_id = 'killed'")
                        > 0);
        Processes.signal("KILL", replay.pid());
        assertThat(replay.waitFor(30, TimeUnit.SECONDS)).isTrue();
        terminate(daemon);
        // As if no process had reported for half a minute that it runs it.
        shop.execute("update posthaste_audit set detail = replace(detail, '\"seenMicros\":', '\"seenMicros\":-')"
                + " where change_id = 'killed'");
        assertThat(say("audit", "orders", "--json").out()).contains("running: status published");
        daemon = daemon("six");
        until(
                "a daemon continues it",
                () -> say("audit", "orders", "--json")
                        .out()
                        .contains("finished: status published, at most 50 a second"));
        assertThat(shop.count("select events from posthaste_audit where change_id = 'killed'"))
                .isEqualTo(all);
        terminate(daemon);
        assertThat(log("six")).contains("replay killed by");
    }
}
