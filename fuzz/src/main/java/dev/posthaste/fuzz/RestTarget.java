package dev.posthaste.fuzz;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.server.Daemon;
import dev.posthaste.server.config.Config;
import dev.posthaste.server.config.ConfigReader;
import dev.posthaste.servers.Database;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Whatever the request, the HTTP interface responds in JSON, and never with a server error. */
final class RestTarget implements Target {
    private static final String OUTBOX = "/api/v1/outboxes/orders";
    private static final List<String> GETS = List.of(
            OUTBOX,
            OUTBOX + "/history",
            OUTBOX + "/events",
            OUTBOX + "/events/",
            OUTBOX + "/errors",
            "/api/v1/audit",
            "/api/v1/replays",
            "/api/v1/replays/",
            "/api/v1/outboxes",
            "/api/v1/outboxes/",
            "/api/v1/session",
            "/health/ready");
    private static final List<String> POSTS = List.of(
            OUTBOX + "/requeue",
            OUTBOX + "/discard",
            OUTBOX + "/purge",
            OUTBOX + "/replays",
            OUTBOX + "/pause",
            OUTBOX + "/resume",
            "/api/v1/replays/x/cancel",
            "/api/v1/replays/x/continue",
            "/api/v1/login");
    private static final List<String> TIMES = List.of(
            "2026-01-31T12:00:00Z",
            "1970-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "-4713-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999999Z",
            "+294277-01-01T00:00:00Z",
            "+1000000000-12-31T23:59:59Z",
            "-1000000000-01-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "now");
    private static final List<String> PERIODS = List.of(
            "P7D",
            "PT0S",
            "P-7D",
            "PT12H",
            "P106751992D",
            "PT2562047788015215H30M7.999999999S",
            "PT-1S",
            "P1Y",
            "",
            "7d",
            "PT0.000000001S");
    private static final int TIMEOUT_MILLIS = 30_000;

    private final FuzzDatabase database;
    private final Daemon daemon;
    private final URI address;

    RestTarget(Database kind) throws IOException, SQLException {
        database = new FuzzDatabase(kind);
        Path file = Files.createTempFile("posthaste-fuzz-", ".yml");
        Files.writeString(file, """
                name: fuzz
                databases: {shop: {url: "%s"}}
                brokers: {kafka: {url: "kafka://127.0.0.1:1"}}
                outboxes:
                  orders: {route: {destination: orders}, types: [order.placed]}
                  tracked: {route: {destination: tracked}, tracked: true, types: [order.tracked]}
                console: {port: 0, mask: [card]}
                """.formatted(database.url()));
        Config config = ConfigReader.read(file, Map.of());
        Files.delete(file);
        List<OutboxDefinition> outboxes = config.outboxes().values().stream()
                .map(Config.OutboxConfig::definition)
                .toList();
        DatabaseSchema.create(database.dataSource(), outboxes);
        daemon = Daemon.start(config);
        address = URI.create(Objects.requireNonNull(daemon.address()));
    }

    @Override
    public String name() {
        return "rest";
    }

    @Override
    public void close() {
        daemon.close();
        database.close();
    }

    @Override
    public void run(Dice dice) throws IOException, SQLException {
        if (dice.oneIn(5)) {
            fillTable(dice);
        }
        String csrf = csrf();
        boolean get = dice.oneIn(2);
        String path = get ? path(dice) : dice.pick(POSTS);
        String query = get ? query(dice) : "";
        byte[] body = get ? new byte[0] : body(dice);
        String method = get ? "GET" : dice.oneIn(20) ? dice.pick("PUT", "DELETE", "PATCH") : "POST";
        dice.tried("request", method + " " + path + query);
        dice.tried("body", body);
        require(method, send(method, path + query, csrf, body));
    }

    private void fillTable(Dice dice) throws SQLException {
        database.execute("delete from \"orders_outbox\"");
        try (Connection connection = database.dataSource().getConnection();
                PreparedStatement insert = connection.prepareStatement(database.sql("""
                        insert into "orders_outbox" (event_id, event_type, event_key, headers, payload, status, last_error, attempts)
                        values (?, ?, ?, ?, ?, ?, ?, 1)"""))) {
            for (int i = 0; i < 6; i++) {
                insert.setString(1, dice.good(50) + i);
                insert.setString(2, dice.good(128));
                insert.setString(3, dice.good(128));
                insert.setString(4, dice.json(2));
                insert.setString(5, dice.json(3));
                insert.setString(6, i < 3 ? "dead" : "published");
                insert.setString(7, dice.good(2_000));
                insert.executeUpdate();
            }
        }
    }

    // --- Requests ----------------------------------------------------------------------------------------------------

    private static String path(Dice dice) {
        String path = dice.pick(GETS);
        if (!path.endsWith("/")) {
            return path;
        }
        String last = dice.oneIn(2) ? dice.number() : dice.text(40);
        return path
                + encoded(last.replace("\0", "")) // the HTTP server itself answers those, in HTML
                + (path.contains("events") && dice.oneIn(3) ? "/payload" : "");
    }

    private static String query(Dice dice) {
        StringBuilder query = new StringBuilder();
        for (String each : List.of(
                "status",
                "type",
                "key",
                "eventId",
                "from",
                "to",
                "error",
                "errorGroup",
                "before",
                "limit",
                "minutes",
                "outbox",
                "position",
                "row")) {
            if (dice.oneIn(5)) {
                query.append(query.isEmpty() ? "?" : "&")
                        .append(each)
                        .append('=')
                        .append(encoded(value(dice, each)));
            }
        }
        return query.toString();
    }

    private static String value(Dice dice, String part) {
        if (dice.oneIn(6)) {
            return dice.text(300);
        }
        return switch (part) {
            case "status" -> dice.pick("pending", "published", "consumed", "dead", "DEAD", "");
            case "from", "to" -> dice.pick(TIMES);
            case "before", "position", "row", "limit", "minutes" -> dice.number();
            case "outbox" -> dice.pick("orders", "tracked", "none");
            default -> dice.text(40);
        };
    }

    private static byte[] body(Dice dice) {
        if (dice.oneIn(8)) {
            return Dice.utf8(
                    dice.pick("null", "[]", "", "1", "\"x\"", "{}", "[".repeat(5_000), "{\"a\":".repeat(5_000)));
        }
        Map<String, String> members = new LinkedHashMap<>();
        members.put("reason", dice.oneIn(3) ? dice.quoted(dice.text(500)) : "\"a reason\"");
        putOften(dice, members, "changeId", dice.quoted(dice.text(64)));
        putOften(
                dice,
                members,
                "ids",
                dice.pick("[1, 2]", "[]", "[null]", "[" + dice.number() + "]", "[1, 1]", "[1.5]", "[\"1\"]", "1"));
        putOften(dice, members, "search", search(dice));
        putOften(dice, members, "keep", dice.quoted(dice.pick(PERIODS)));
        putOften(
                dice,
                members,
                "statuses",
                dice.pick("[\"published\"]", "[]", "[null]", "[\"\"]", "[\"pending\"]", "[\"dead\", \"dead\"]", "[1]"));
        putOften(dice, members, "destination", dice.quoted(dice.oneIn(2) ? "orders" : dice.text(255)));
        putOften(dice, members, "routingKey", dice.quoted(dice.text(255)));
        putOften(dice, members, "perSecond", dice.number());
        putOften(dice, members, "dryRun", dice.pick("true", "false", "null", "\"true\"", "1"));
        putOften(dice, members, "name", dice.quoted(dice.text(30)));
        putOften(dice, members, "password", dice.quoted(dice.text(30)));
        String json = dice.objectLike(members);
        return dice.oneIn(4) ? dice.mutated(Dice.utf8(json)) : Dice.utf8(json);
    }

    private static void putOften(Dice dice, Map<String, String> members, String name, String value) {
        if (!dice.oneIn(3)) {
            members.put(name, value);
        }
    }

    private static String search(Dice dice) {
        Map<String, String> parts = new LinkedHashMap<>();
        for (String each : List.of("status", "type", "key", "eventId", "from", "to", "error", "errorGroup")) {
            if (dice.oneIn(4)) {
                parts.put(each, dice.oneIn(10) ? "null" : dice.quoted(value(dice, each)));
            }
        }
        return dice.objectLike(parts);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    // --- Answers -----------------------------------------------------------------------------------------------------

    private record Response(int status, String type, String body) {}

    private String csrf() throws IOException {
        Response session = send("GET", "/api/v1/session", "", new byte[0]);
        return JsonMapper.shared().readTree(session.body()).path("csrf").asString("");
    }

    private Response send(String method, String path, String csrf, byte[] body) throws IOException {
        String head = method + " " + path + " HTTP/1.1\r\nHost: " + address.getAuthority() + "\r\nConnection: close\r\n"
                + "Content-Type: application/json\r\nX-Posthaste-Csrf: " + csrf + "\r\nContent-Length: " + body.length
                + "\r\n\r\n";
        try (Socket socket = new Socket(address.getHost(), address.getPort())) {
            socket.setSoTimeout(TIMEOUT_MILLIS);
            socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().write(body);
            socket.getOutputStream().flush();
            return answer(socket.getInputStream());
        }
    }

    private static Response answer(InputStream in) throws IOException {
        String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        int end = text.indexOf("\r\n\r\n");
        if (end < 0) {
            throw new FindingException("this is not an HTTP response: " + Dice.shown(text));
        }
        String head = text.substring(0, end);
        String type = head.lines()
                .filter(line -> line.toLowerCase(java.util.Locale.ROOT).startsWith("content-type:"))
                .findFirst()
                .orElse("none");
        String body = text.substring(end + 4);
        if (head.toLowerCase(java.util.Locale.ROOT).contains("transfer-encoding: chunked")) {
            body = unchunked(body);
        }
        return new Response(Integer.parseInt(head.split(" ")[1]), type, body);
    }

    /** An approximation, because chunk sizes count bytes: removes lines that are nothing but a hexadecimal number. */
    private static String unchunked(String body) {
        return body.replaceAll("(?m)^[0-9a-fA-F]{1,8}\\r\\n", "").replace("\r\n", "");
    }

    private static void require(String method, Response answer) {
        String shown = answer.status() + " " + answer.type() + " " + Dice.shown(answer.body());
        FindingException.unless(answer.status() < 500, "the response is a server error: " + shown);
        if (answer.type().contains("text/plain") || answer.type().contains("octet-stream")) {
            FindingException.unless(
                    answer.status() == 200 && method.equals("GET"), "only payloads and metrics are not JSON: " + shown);
            return;
        }
        FindingException.unless(answer.type().contains("application/json"), "the response is not JSON: " + shown);
        JsonNode json;
        try {
            json = JsonMapper.shared().readTree(answer.body());
        } catch (JacksonException e) {
            throw new FindingException("the response is not JSON: " + shown, e);
        }
        if (answer.status() >= 400) {
            FindingException.unless(!json.path("error").asString("").isBlank(), "a refusal says why: " + shown);
        }
    }
}
