package dev.posthaste.reliability.torture;

import dev.posthaste.Route;
import dev.posthaste.server.cli.Posthaste;
import dev.posthaste.servers.Processes;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Starts the daemon on a quiet testbed, and compares what its console shows with the tables. */
final class Console {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Pattern ADDRESS = Pattern.compile("Console at (http://\\S+)/");
    private static final String NAME = "console";
    private static final Duration START = Duration.ofSeconds(60);
    /** The console counts all rows every 15 seconds, and retention deletes some every minute. */
    private static final Duration COUNTED = Duration.ofSeconds(45);

    private static final int DEAD_PAGE = 2;
    private static final int NEWEST = 50;

    private final Testbed stage;
    private final HttpClient client = HttpClient.newHttpClient();

    Console(Testbed stage) {
        this.stage = stage;
    }

    /**
     * What is seen of the outbox.
     *
     * @param counts of each status that has rows
     * @param deadRows ids of the dead rows, newest first
     * @param newest ids and statuses of the last rows, newest first
     */
    record View(
            Map<String, Long> counts,
            long pending,
            long dead,
            List<Long> deadRows,
            List<String> newest,
            String owner,
            long epoch) {}

    /** @return null, or what it shows wrongly */
    @Nullable
    String check() throws Exception {
        Path file = stage.setup.home().resolve(NAME + ".yml");
        Files.writeString(file, configuration(stage.setup));
        Process daemon = Processes.java(
                NAME,
                stage.setup.home(),
                stage.planted,
                List.of(),
                Map.of(),
                Posthaste.class,
                "run",
                "-c",
                file.toString());
        try {
            String address = address(daemon);
            long deadline = System.nanoTime() + COUNTED.toNanos();
            while (true) {
                View before = inTables();
                View told = told(address);
                if (told.equals(before)) {
                    return null;
                }
                if (System.nanoTime() > deadline) {
                    return "the console shows " + told + ", but the tables contain " + before;
                }
                Thread.sleep(500);
            }
        } finally {
            daemon.destroy();
            if (!daemon.waitFor(20, TimeUnit.SECONDS)) {
                daemon.destroyForcibly().waitFor();
            }
        }
    }

    private static String configuration(Setup setup) {
        Route route = setup.wire().route();
        String broker = switch (setup.wire()) {
            case RABBITMQ -> setup.broker();
            case KAFKA -> "kafka://" + setup.broker();
            case LOCAL -> "amqp://127.0.0.1:1"; // nothing listens there, and nothing has to be published
        };
        return """
                name: %s
                databases:
                  torture:
                    url: "%s"
                brokers:
                  broker:
                    url: "%s"
                outboxes:
                  %s:
                    route: {destination: %s%s}
                    tracked: %s
                %s
                relay: {lease: 3s, publish-timeout: 1400ms}
                console:
                  port: 0
                """.formatted(
                        NAME,
                        setup.url(),
                        broker,
                        Setup.OUTBOX,
                        route.destination(),
                        route.routingKey() == null ? "" : ", routing-key: " + route.routingKey(),
                        setup.wire().tracks(),
                        table(setup.table()));
    }

    /** For another program's table: its format, and each line of its layout. */
    private static String table(OutboxTable table) {
        if (table == OutboxTable.OWN) {
            return "";
        }
        StringBuilder lines =
                new StringBuilder("    table: " + table.table() + "\n    format: envelope\n    mapped:\n");
        table.layout().forEach((key, value) -> {
            if (!key.equals("table")) {
                lines.append("      ").append(key).append(": \"").append(value).append("\"\n");
            }
        });
        return lines.toString();
    }

    private String address(Process daemon) throws IOException, InterruptedException {
        Path log = stage.setup.home().resolve(NAME + ".log");
        long deadline = System.nanoTime() + START.toNanos();
        while (System.nanoTime() < deadline && daemon.isAlive()) {
            Matcher found = ADDRESS.matcher(Files.readString(log));
            if (found.find()) {
                return found.group(1);
            }
            Thread.sleep(100);
        }
        throw new IllegalStateException("The console did not start within " + START.toSeconds() + " s; see " + log);
    }

    // --- In the tables -----------------------------------------------------------------------------------------------

    private View inTables() throws SQLException {
        try (Connection connection = stage.connect();
                Statement statement = connection.createStatement()) {
            Map<String, Long> counts = new TreeMap<>();
            List<Long> deadRows = new ArrayList<>();
            List<String> newest = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery("select status, count(*) from orders group by status")) {
                while (rows.next()) {
                    counts.put(rows.getString(1), rows.getLong(2));
                }
            }
            try (ResultSet rows =
                    statement.executeQuery("select id from orders where status = 'dead' order by id desc")) {
                while (rows.next()) {
                    deadRows.add(rows.getLong(1));
                }
            }
            try (ResultSet rows =
                    statement.executeQuery("select id, status from orders order by id desc limit " + NEWEST)) {
                while (rows.next()) {
                    newest.add(rows.getLong(1) + " " + rows.getString(2));
                }
            }
            try (ResultSet lease = statement.executeQuery(
                    "select owner, epoch from posthaste_lease where outbox = '" + Setup.OUTBOX + "'")) {
                lease.next();
                return new View(
                        counts,
                        counts.getOrDefault("pending", 0L),
                        deadRows.size(),
                        deadRows,
                        newest,
                        lease.getString(1),
                        lease.getLong(2));
            }
        }
    }

    // --- What the console shows --------------------------------------------------------------------------------------

    private View told(String address) throws IOException, InterruptedException {
        String outbox = address + "/api/v1/outboxes/" + Setup.OUTBOX;
        List<Long> deadRows = new ArrayList<>();
        String next = "";
        do { // in pages small enough that there are several
            JsonNode page = get(outbox + "/events?status=dead&limit=" + DEAD_PAGE + next);
            page.get("events").forEach(event -> deadRows.add(event.get("id").asLong()));
            next = page.get("next").isNull()
                    ? null
                    : "&before=" + page.get("next").asLong();
        } while (next != null);
        return view(get(outbox), get(outbox + "/events?limit=" + NEWEST), deadRows);
    }

    static View view(JsonNode outbox, JsonNode newestPage, List<Long> deadRows) {
        Map<String, Long> counts = new TreeMap<>();
        outbox.get("counts").properties().stream()
                .filter(each -> each.getValue().asLong() > 0)
                .forEach(each -> counts.put(each.getKey(), each.getValue().asLong()));
        List<String> newest = new ArrayList<>();
        newestPage
                .get("events")
                .forEach(event -> newest.add(
                        event.get("id").asLong() + " " + event.get("status").asString()));
        JsonNode lease = outbox.get("lease");
        return new View(
                counts,
                outbox.get("pending").asLong(),
                outbox.get("dead").asLong(),
                deadRows,
                newest,
                lease.get("owner").asString(),
                lease.get("epoch").asLong());
    }

    private JsonNode get(String uri) throws IOException, InterruptedException {
        HttpResponse<String> response = client.send(
                HttpRequest.newBuilder(URI.create(uri))
                        .timeout(Duration.ofSeconds(20))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IllegalStateException(uri + " responds with " + response.statusCode() + ": " + response.body());
        }
        return JSON.readTree(response.body());
    }
}
