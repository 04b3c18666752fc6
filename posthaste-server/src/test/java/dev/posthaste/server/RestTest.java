package dev.posthaste.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.Replay;
import dev.posthaste.admin.Search;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.StatusAdminJournal;
import dev.posthaste.server.OpenApi.Operation;
import dev.posthaste.server.config.Config.OutboxConfig;
import dev.posthaste.server.config.ConfigReader;
import dev.posthaste.testkit.RecordingBroker;
import java.net.http.HttpResponse;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The HTTP interface as programs, browsers and intruders use it, held against its own document. */
class RestTest {
    private static final String VIEWER = Passwords.newToken();
    private static final String READER = Passwords.newToken();
    private static final String OPERATOR = Passwords.newToken();
    private static final String PASSWORD = "correct horse battery";
    private static final String O = "/api/v1/outboxes/{outbox}";
    private static TestSite site;
    private static OpenApi document;

    @BeforeAll
    static void open() throws Exception {
        site = TestSite.start("""
                mask: [card, customer.name, secret]
                users:
                  - {name: ada, password-hash: "%s", role: operator}
                  - {name: vic, password-hash: "%s", role: viewer}
                tokens:
                  - {name: dashboard, hash: "%s", role: viewer}
                  - {name: support, hash: "%s", role: reader}
                  - {name: robot, hash: "%s", role: operator}
                trusted-proxy: {user-header: X-User, role-header: X-Role, from: [192.0.2.1]}
                """.formatted(
                        Passwords.hash(PASSWORD.toCharArray()),
                        Passwords.hash(PASSWORD.toCharArray()),
                        Passwords.hashToken(VIEWER),
                        Passwords.hashToken(READER),
                        Passwords.hashToken(OPERATOR)));
        document = new OpenApi(site.get("api/v1/openapi.json"));
        site.write(IntStream.range(0, 30)
                .mapToObj(i -> Event.of(
                        "order.placed",
                        "k" + i % 3,
                        "{\"order\":" + i + ",\"card\":\"4111\",\"customer\":{\"name\":\"Ada\",\"city\":\"Turin\"}}"))
                .toArray(Event[]::new));
        site.write(IntStream.range(0, 4)
                .mapToObj(i -> Event.builder("order.refused")
                        .destination("no-such-exchange")
                        .payload("not JSON " + i)
                        .header("secret", "hidden")
                        .build())
                .toArray(Event[]::new));
        TestSite.until("all are settled", () -> site.count("published") == 30 && site.count("dead") == 4);
    }

    @AfterAll
    static void close() throws Exception {
        site.close();
    }

    // --- Helpers -----------------------------------------------------------------------------------------------------

    private static String[] as(String token) {
        return new String[] {"Authorization", "Bearer " + token, "Content-Type", "application/json"};
    }

    /** Sends it, and holds the answer against the document. */
    private static HttpResponse<String> send(String method, String path, String query, String body, String... headers)
            throws Exception {
        String filled = path.replace("{outbox}", "orders").replace("{id}", "1").substring(1) + query;
        HttpResponse<String> response =
                site.send(method, filled, body.isEmpty() && method.equals("GET") ? null : body, headers);
        document.assertAllows(method, path, response);
        assertThat(response.headers().firstValue("Content-Security-Policy").orElse(""))
                .contains("default-src 'none'", "frame-ancestors 'none'")
                .doesNotContain("unsafe");
        assertThat(response.headers().firstValue("X-Frame-Options")).hasValue("DENY");
        return response;
    }

    private static JsonNode json(HttpResponse<String> response, int status) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        return TestSite.JSON.readTree(response.body());
    }

    private static String body(Operation operation) {
        return operation.path().endsWith("purge")
                ? "{\"reason\":\"a test\",\"keep\":\"P7D\",\"statuses\":[\"published\"]}"
                : operation.path().endsWith("replays")
                        ? "{\"dryRun\":true,\"search\":{\"status\":\"published\"}}"
                        : operation.path().endsWith("login")
                                ? "{\"name\":\"nobody\",\"password\":\"wrong\"}"
                                : "{\"reason\":\"a test\",\"ids\":[1]}";
    }

    // --- Who may -----------------------------------------------------------------------------------------------------

    @Test
    void H43_everyRouteWantsCredentialsButThoseThatSayNothing() throws Exception {
        Set<String> open = new HashSet<>();
        for (Operation operation : document.operations()) {
            HttpResponse<String> response =
                    send(operation.method(), operation.path(), "", body(operation), "Content-Type", "application/json");
            if (operation.role() != null) {
                assertThat(response.statusCode()).as(operation.path()).isEqualTo(401);
            } else if (response.statusCode() == 200) {
                open.add(operation.path());
                assertThat(response.body()).doesNotContain("order.placed", "4111");
            }
        }
        assertThat(open)
                .containsExactlyInAnyOrder("/health/live", "/health/ready", "/api/v1/openapi.json", "/api/v1/session");
    }

    @Test
    void everyRoleMayWhatItsRouteSaysAndNoMore() throws Exception {
        List<String> roles = List.of("viewer", "reader", "operator");
        Map<String, String> tokens = Map.of("viewer", VIEWER, "reader", READER, "operator", OPERATOR);
        assertThat(document.operations()).hasSizeGreaterThan(20);
        for (Operation operation : document.operations()) {
            if (operation.role() == null || operation.path().endsWith("login")) {
                continue;
            }
            for (String role : roles) {
                HttpResponse<String> response = send(
                        operation.method(),
                        operation.path(),
                        "",
                        body(operation),
                        as(java.util.Objects.requireNonNull(tokens.get(role))));
                boolean may = roles.indexOf(role) >= roles.indexOf(operation.role());
                assertThat(response.statusCode())
                        .as("%s %s as %s: %s", operation.method(), operation.path(), role, response.body())
                        .matches(status -> may ? status != 401 && status != 403 && status < 500 : status == 403);
            }
        }
        site.send("POST", "api/v1/outboxes/orders/resume", "{\"reason\":\"a test\"}", as(OPERATOR));
    }

    @Test
    void aTokenThatNobodyKnowsIsRefusedAndSoIsAProxyFromElsewhere() throws Exception {
        assertThat(send("GET", "/api/v1/outboxes", "", "", "Authorization", "Bearer wrong")
                        .statusCode())
                .isEqualTo(401);
        assertThat(send("GET", "/api/v1/outboxes", "", "", "Authorization", "Basic YTpi")
                        .statusCode())
                .isEqualTo(401);
        assertThat(send("GET", "/api/v1/outboxes", "", "", "X-User", "root", "X-Role", "operator")
                        .statusCode())
                .isEqualTo(401);
    }

    @Test
    void viewersSeeNoPayloadsAndMasksHideFieldsFromAll() throws Exception {
        JsonNode viewed = json(send("GET", O + "/events/{id}", "", "", as(VIEWER)), 200);
        assertThat(viewed.get("payload").isNull()).isTrue();
        assertThat(viewed.get("headers").isNull()).isTrue();
        assertThat(viewed.get("hidden").stringValue()).isEqualTo("role");
        for (String token : List.of(READER, OPERATOR)) {
            String payload = json(send("GET", O + "/events/{id}", "", "", as(token)), 200)
                    .get("payload")
                    .stringValue();
            assertThat(payload).contains("\"order\":0", "Turin", "•••").doesNotContain("4111", "Ada");
            HttpResponse<String> raw = send("GET", O + "/events/{id}/payload", "", "", as(token));
            assertThat(raw.body()).isEqualTo(payload);
            assertThat(raw.headers().firstValue("Content-Disposition").orElse(""))
                    .startsWith("attachment");
            assertThat(raw.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
        }
        long dead = site.database.count("select min(id) from orders where status = 'dead'");
        JsonNode other = site.get("api/v1/outboxes/orders/events/" + dead, as(READER));
        assertThat(other.get("payload").stringValue()).isEqualTo("•••");
        assertThat(other.get("headers").stringValue()).doesNotContain("hidden");
    }

    // --- Browsers ----------------------------------------------------------------------------------------------------

    private record Browser(String cookie, String csrf) {
        /** Its cookie and these headers. */
        String[] with(String[]... headers) {
            return Stream.concat(Stream.of("Cookie", cookie), Stream.of(headers).flatMap(Stream::of))
                    .toArray(String[]::new);
        }
    }

    /** What comes of a change that somebody may have made this browser send. */
    private static int forged(Browser browser, String[]... headers) throws Exception {
        return send("POST", O + "/pause", "", "{\"reason\":\"forged\"}", browser.with(headers))
                .statusCode();
    }

    private static Browser login(String name) throws Exception {
        HttpResponse<String> response = send(
                "POST",
                "/api/v1/login",
                "",
                "{\"name\":\"" + name + "\",\"password\":\"" + PASSWORD + "\"}",
                "Content-Type",
                "application/json");
        String cookie = response.headers().firstValue("Set-Cookie").orElseThrow();
        assertThat(cookie).contains("HttpOnly", "SameSite=Strict", "Path=/");
        return new Browser(cookie.split(";")[0], json(response, 200).get("csrf").stringValue());
    }

    @Test
    void H45_aForgedRequestChangesNothing() throws Exception {
        Browser ada = login("ada");
        String[] token = {"X-Posthaste-Csrf", ada.csrf()};
        String[] json = {"Content-Type", "application/json"};
        assertThat(forged(ada, json)).as("no token").isEqualTo(403);
        assertThat(forged(ada, json, new String[] {"X-Posthaste-Csrf", "x"}))
                .as("another token")
                .isEqualTo(403);
        assertThat(forged(ada, token, new String[] {"Content-Type", "text/plain"}))
                .as("what a form can send")
                .isEqualTo(415);
        assertThat(forged(ada, token, json, new String[] {"Origin", "https://evil.example"}))
                .as("another site")
                .isEqualTo(403);
        for (Operation operation : document.operations()) {
            if ("operator".equals(operation.role())) {
                String path = operation.path().replace("{outbox}", "orders").replace("{id}", "1");
                assertThat(site.send("GET", path.substring(1), null, "Cookie", ada.cookie())
                                .statusCode())
                        .as("GET %s changes nothing", operation.path())
                        .isIn(404, 405);
            }
        }
        assertThat(site.database.count("select count(*) from posthaste_audit where reason = 'forged'"))
                .isZero();
        String[] right = ada.with(token, json);
        json(send("POST", O + "/pause", "", "{\"reason\":\"wanted\"}", right), 200);
        json(send("POST", O + "/resume", "", "{\"reason\":\"wanted\"}", right), 200);
        assertThat(site.database.query("select actor from posthaste_audit where reason = 'wanted'"))
                .containsExactly("ada", "ada");
        json(send("POST", "/api/v1/logout", "", "{}", right), 200);
        assertThat(send("GET", "/api/v1/outboxes", "", "", "Cookie", ada.cookie())
                        .statusCode())
                .as("after the logout")
                .isEqualTo(401);
        Browser vic = login("vic");
        assertThat(forged(vic, new String[] {"X-Posthaste-Csrf", vic.csrf()}, json))
                .as("a viewer")
                .isEqualTo(403);
    }

    @Test
    void passwordsCannotBeGuessedByTrying() throws Exception {
        try (TestSite other = TestSite.start("users: [{name: ada, password-hash: \"%s\", role: operator}]"
                .formatted(Passwords.hash(PASSWORD.toCharArray())))) {
            String[] type = {"Content-Type", "application/json"};
            for (int i = 0; i < 5; i++) {
                assertThat(other.send(
                                        "POST",
                                        "api/v1/login",
                                        "{\"name\":\"ada\",\"password\":\"guess" + i + "\"}",
                                        type)
                                .statusCode())
                        .isEqualTo(401);
            }
            HttpResponse<String> refused =
                    other.send("POST", "api/v1/login", "{\"name\":\"ada\",\"password\":\"" + PASSWORD + "\"}", type);
            assertThat(refused.statusCode()).isEqualTo(429);
            assertThat(refused.headers().firstValue("Retry-After")).isPresent();
        }
    }

    @Test
    void whoeverReachesLoopbackWithoutLoginIsTheOperatorButNoOtherSiteIs() throws Exception {
        try (TestSite open = TestSite.start("")) {
            JsonNode session = open.get("api/v1/session");
            assertThat(session.get("name").stringValue()).isEqualTo("local");
            assertThat(open.send(
                                    "POST",
                                    "api/v1/outboxes/orders/pause",
                                    "{\"reason\":\"forged\"}",
                                    "Content-Type",
                                    "application/json")
                            .statusCode())
                    .as("no CSRF token")
                    .isEqualTo(403);
            try (java.net.Socket socket = new java.net.Socket(
                    "127.0.0.1", java.net.URI.create(open.address()).getPort())) {
                socket.getOutputStream()
                        .write("GET /api/v1/outboxes HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
                                .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
                assertThat(new String(socket.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8))
                        .as("a name that was made to point here")
                        .startsWith("HTTP/1.1 421")
                        .doesNotContain("orders");
            }
        }
    }

    // --- What it does ------------------------------------------------------------------------------------------------

    @Test
    void eventsAreFoundPageByPage() throws Exception {
        JsonNode all = json(send("GET", "/api/v1/outboxes", "", "", as(VIEWER)), 200);
        assertThat(all.get("outboxes").size()).isEqualTo(2);
        Set<Long> seen = new HashSet<>();
        String before = "";
        do {
            JsonNode page = json(send("GET", O + "/events", "?status=published&limit=7" + before, "", as(VIEWER)), 200);
            page.get("events").forEach(event -> seen.add(event.get("id").longValue()));
            before = page.get("next").isNull()
                    ? ""
                    : "&before=" + page.get("next").longValue();
        } while (!before.isEmpty());
        assertThat(seen).hasSize(30);
        assertThat(json(send("GET", O + "/events", "?key=k1", "", as(VIEWER)), 200)
                        .get("events")
                        .size())
                .isEqualTo(10);
        assertThat(json(send("GET", O + "/history", "?minutes=5", "", as(VIEWER)), 200)
                        .get("samples")
                        .size())
                .isPositive();
        assertThat(json(send("GET", O + "/errors", "", "", as(VIEWER)), 200)
                        .get("groups")
                        .size())
                .isPositive();
    }

    @Test
    void wrongRequestsAreToldWhatIsWrong() throws Exception {
        String[] robot = as(OPERATOR);
        Map<String, String> wrong = Map.of(
                "?status=lost", "'status' is pending, published, consumed or dead",
                "?limit=501", "'limit' is from 1 to 500",
                "?limit=many", "'limit' is a number",
                "?from=yesterday", "'from' is a time like",
                "?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "'from' must be before 'to'");
        for (Map.Entry<String, String> each : wrong.entrySet()) {
            assertThat(json(send("GET", O + "/events", each.getKey(), "", robot), 400)
                            .get("error")
                            .stringValue())
                    .contains(each.getValue());
        }
        assertThat(json(send("POST", O + "/requeue", "", "{\"ids\":[1]}", robot), 400)
                        .get("error")
                        .stringValue())
                .contains("'reason' is missing");
        assertThat(json(send("POST", O + "/requeue", "", "{\"reason\":\"because\"}", robot), 400)
                        .get("error")
                        .stringValue())
                .contains("Say which");
        json(send("POST", O + "/requeue", "", "{\"reason\":", robot), 400);
        json(
                send(
                        "POST",
                        O + "/purge",
                        "",
                        "{\"reason\":\"because\",\"keep\":\"PT0S\",\"statuses\":[\"pending\"]}",
                        robot),
                400);
        json(
                send("POST", O + "/replays", "", "{\"reason\":\"because\",\"search\":{\"status\":\"pending\"}}", robot),
                400);
        json(
                send(
                        "POST",
                        O + "/replays",
                        "",
                        "{\"reason\":\"because\",\"search\":{\"status\":\"published\"},\"destination\":\"elsewhere\"}",
                        robot),
                400);
        assertThat(site.send("GET", "api/v1/outboxes/none/events", null, robot).statusCode())
                .isEqualTo(404);
        assertThat(site.send("GET", "api/v1/nothing", null, robot).statusCode()).isEqualTo(404);
        assertThat(site.send(
                                "POST",
                                "api/v1/outboxes/orders/requeue",
                                "{\"reason\":\"" + "x".repeat(70_000) + "\"}",
                                robot)
                        .statusCode())
                .as("a large request")
                .isEqualTo(413);
    }

    @Test
    void C07_noBodyAndNoTimeIsTheServersFault() throws Exception {
        for (String path : List.of("requeue", "discard", "pause", "purge", "replays")) {
            for (String body : List.of(
                    "null",
                    "{\"reason\":\"because\",\"ids\":[null]}",
                    "{\"reason\":\"because\",\"keep\":\"P7D\",\"statuses\":[null]}",
                    "{\"reason\":\"because\",\"keep\":\"P7D\",\"statuses\":[\"\"],\"ids\":[null]}",
                    "{\"reason\":\"because\",\"keep\":\"PT2562047788015215H\",\"statuses\":[\"dead\"],\"ids\":[null]}")) {
                json(send("POST", O + "/" + path, "", body, as(OPERATOR)), 400);
            }
        }
        json(send("POST", "/api/v1/login", "", "null", "Content-Type", "application/json"), 400);
        String purge = "{\"reason\":\"because\",\"statuses\":[%s],\"keep\":\"%s\"}";
        for (String body :
                List.of(purge.formatted("\"\"", "P7D"), purge.formatted("\"dead\"", "PT2562047788015215H"))) {
            json(send("POST", O + "/purge", "", body, as(OPERATOR)), 400);
        }
        for (String time : List.of("-1000000000-01-01T00:00:00Z", "%2B1000000000-12-31T23:59:59Z")) {
            for (String part : List.of("from", "to")) {
                assertThat(json(send("GET", O + "/events", "?" + part + "=" + time, "", as(VIEWER)), 400)
                                .get("error")
                                .stringValue())
                        .contains("'" + part + "' is between");
            }
        }
    }

    @Test
    void H46_whatIsSentAsNamesAndTextStaysText() throws Exception {
        long before = site.database.count("select count(*) from orders");
        String robot = "Bearer " + OPERATOR;
        for (String hostile : List.of(
                "'; drop table orders; --",
                "\" or \"\"=\"",
                "orders\" where 1=1 --",
                "%' or 1=1 --",
                "\\",
                "{now}",
                "%s",
                "?")) {
            String coded = java.net.URLEncoder.encode(hostile, java.nio.charset.StandardCharsets.UTF_8);
            for (String part : List.of("type", "key", "eventId", "error", "errorGroup")) {
                HttpResponse<String> found =
                        send("GET", O + "/events", "?" + part + "=" + coded, "", "Authorization", robot);
                assertThat(json(found, 200).get("events").size())
                        .as("%s %s", part, hostile)
                        .isZero();
            }
            assertThat(site.send(
                                    "GET",
                                    "api/v1/outboxes/" + coded.replace("+", "%20") + "/events",
                                    null,
                                    "Authorization",
                                    robot)
                            .statusCode())
                    .isIn(400, 404);
            String reason =
                    TestSite.JSON.writeValueAsString(Map.of("reason", "why " + hostile, "ids", List.of(999999)));
            json(send("POST", O + "/requeue", "", reason, as(OPERATOR)), 200);
        }
        assertThat(site.database.count("select count(*) from orders")).isEqualTo(before);
    }

    @Test
    void aSecondClickIsKnownForWhatItIs() throws Exception {
        long dead = site.database.count("select max(id) from orders where status = 'dead'");
        String body = "{\"reason\":\"not needed\",\"changeId\":\"click-1\",\"ids\":[" + dead + "]}";
        JsonNode first = json(send("POST", O + "/discard", "", body, as(OPERATOR)), 200);
        JsonNode second = json(send("POST", O + "/discard", "", body, as(OPERATOR)), 200);
        assertThat(first.get("events").intValue()).isEqualTo(1);
        assertThat(first.get("repeated").booleanValue()).isFalse();
        assertThat(second.get("events").intValue()).isEqualTo(1);
        assertThat(second.get("repeated").booleanValue()).isTrue();
        JsonNode audit = json(send("GET", "/api/v1/audit", "?outbox=orders&row=" + dead, "", as(READER)), 200);
        assertThat(audit.get("entries").size()).isEqualTo(1);
        assertThat(audit.get("entries").get(0).get("actor").stringValue()).isEqualTo("robot");
        assertThat(audit.get("entries").get(0).get("detail").stringValue())
                .contains("order.refused")
                .doesNotContain("hidden");
        assertThat(json(send("GET", "/api/v1/audit", "?row=" + dead, "", as(VIEWER)), 200)
                        .get("entries")
                        .get(0)
                        .get("detail")
                        .isNull())
                .isTrue();
    }

    @Test
    void aReplayRunsAndCanBeWatchedAndCancelled() throws Exception {
        String body =
                "{\"reason\":\"rebuilt\",\"changeId\":\"replay-1\",\"search\":{\"status\":\"published\"},\"perSecond\":5}";
        JsonNode started = json(send("POST", O + "/replays", "", body, as(OPERATOR)), 202);
        json(send("POST", O + "/replays", "", body, as(OPERATOR)), 202);
        JsonNode all = json(send("GET", "/api/v1/replays", "", "", as(VIEWER)), 200);
        assertThat(all.get("replays")
                        .valueStream()
                        .filter(each -> each.get("id").stringValue().equals("replay-1")))
                .as("one, whoever clicked twice")
                .hasSize(1);
        assertThat(started.get("actor").stringValue()).isEqualTo("robot");
        JsonNode cancelled = site.get("api/v1/replays/replay-1", as(VIEWER));
        assertThat(cancelled.get("state").stringValue()).isIn("waiting", "running");
        site.send("POST", "api/v1/replays/replay-1/cancel", "{}", as(OPERATOR));
        TestSite.until("it is cancelled", () -> state("replay-1").equals("cancelled"));
        assertThat(site.database.count("select events from posthaste_audit where change_id = 'replay-1'"))
                .isLessThan(30);
    }

    /** As another process leaves it that is told to stop before it has sent anything. */
    private static void interrupted(String id) throws Exception {
        OutboxConfig orders = Objects.requireNonNull(site.config.outboxes().get("orders"));
        Admin admin = new Admin(StatusAdminJournal.all(
                site.database.dataSource(), Dialect.POSTGRESQL, ConfigReader.catalog(List.of(orders)), null));
        try (RecordingBroker nobody = new RecordingBroker()) {
            Replay replay = admin.replay(
                    "orders",
                    Replay.Selection.of(Search.ALL.withStatus(Status.PUBLISHED)),
                    new Replay.Target(orders.definition(), nobody, orders.format(), null, null, 1_000),
                    new Change("ada", "rebuilt", id));
            replay.interrupt();
            replay.run();
            assertThat(replay.progress().state()).isEqualTo(Replay.State.INTERRUPTED);
        }
    }

    @Test
    void B15_anInterruptedReplayIsShownAndContinuesOrIsCancelled() throws Exception {
        for (String id : List.of("replay-clicked", "replay-again", "replay-unwanted")) {
            interrupted(id);
            assertThat(state(id)).isEqualTo("interrupted");
        }
        assertThat(json(send("GET", "/api/v1/replays", "", "", as(VIEWER)), 200)
                        .get("replays")
                        .valueStream()
                        .filter(each -> each.get("state").stringValue().equals("interrupted")))
                .hasSize(3);
        assertThat(site.send("POST", "api/v1/replays/replay-clicked/continue", "{}", as(OPERATOR))
                        .statusCode())
                .isEqualTo(200);
        TestSite.until("it is finished", () -> state("replay-clicked").equals("finished"));
        String body = "{\"reason\":\"rebuilt\",\"changeId\":\"replay-again\",\"search\":{\"status\":\"published\"}}";
        json(send("POST", O + "/replays", "", body, as(OPERATOR)), 202);
        TestSite.until("it is finished", () -> state("replay-again").equals("finished"));
        site.send("POST", "api/v1/replays/replay-unwanted/cancel", "{}", as(OPERATOR));
        TestSite.until("it is cancelled", () -> state("replay-unwanted").equals("cancelled"));
        assertThat(site.database.query("select change_id, events, split_part(detail, ':', 1) from posthaste_audit"
                        + " where action = 'replay' and actor = 'ada' order by change_id"))
                .containsExactly(
                        "replay-again|30|finished", "replay-clicked|30|finished", "replay-unwanted|0|cancelled");
        assertThat(site.send("POST", "api/v1/replays/no-such/continue", "{}", as(OPERATOR))
                        .statusCode())
                .isEqualTo(404);
    }

    private static String state(String replay) {
        try {
            return site.get("api/v1/replays/" + replay, as(VIEWER)).get("state").stringValue();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void healthAndMetricsSayHowItIs() throws Exception {
        assertThat(json(send("GET", "/health/live", "", ""), 200).get("status").stringValue())
                .isEqualTo("up");
        assertThat(json(send("GET", "/health/ready", "", ""), 200).get("status").stringValue())
                .isIn("up", "degraded");
        assertThat(send("GET", "/metrics", "", "", as(VIEWER)).body())
                .contains(
                        "posthaste_relay_published_total{outbox=\"orders\"}", "posthaste_relay_publish_seconds_bucket");
    }

    @Test
    void theConsolesOwnFilesAreGuardedToo() throws Exception {
        for (String file : List.of("", "app.js", "style.css", "vendor/uPlot.iife.min.js")) {
            HttpResponse<String> response = site.send("GET", file, null);
            assertThat(response.statusCode()).isEqualTo(200);
            assertThat(response.headers().firstValue("Content-Security-Policy").orElse(""))
                    .as(file)
                    .contains("script-src 'self'");
            assertThat(response.headers().firstValue("X-Frame-Options")).hasValue("DENY");
        }
    }

    @Test
    void dashboardAndAlertsAskForMetersThatThereAre() throws Exception {
        String scraped = send("GET", "/metrics", "", "", as(VIEWER)).body();
        for (String file : List.of("grafana-dashboard.json", "prometheus-alerts.yml")) {
            String text = java.nio.file.Files.readString(java.nio.file.Path.of("../packaging", file));
            Set<String> names = new HashSet<>();
            java.util.regex.Pattern.compile("posthaste_[a-z_]+")
                    .matcher(text)
                    .results()
                    .forEach(match -> names.add(match.group()));
            assertThat(names)
                    .as(file)
                    .hasSizeGreaterThan(5)
                    .allSatisfy(name -> assertThat(scraped).contains("\n" + name + "{"));
        }
    }
}
