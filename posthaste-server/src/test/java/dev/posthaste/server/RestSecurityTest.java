package dev.posthaste.server;

import static dev.posthaste.server.RestClient.O;
import static dev.posthaste.server.RestClient.OPERATOR;
import static dev.posthaste.server.RestClient.PASSWORD;
import static dev.posthaste.server.RestClient.READER;
import static dev.posthaste.server.RestClient.VIEWER;
import static dev.posthaste.server.RestClient.as;
import static dev.posthaste.server.RestClient.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.server.OpenApi.Operation;
import java.net.http.HttpResponse;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Who may use the HTTP interface, and what others get. */
class RestSecurityTest {
    private static RestClient rest;

    @BeforeAll
    static void open() throws Exception {
        rest = new RestClient();
    }

    @AfterAll
    static void close() throws Exception {
        rest.close();
    }

    // --- Roles -------------------------------------------------------------------------------------------------------

    @Test
    void H43_everyRouteWantsCredentialsButThoseThatSayNothing() throws Exception {
        Set<String> open = new HashSet<>();
        for (Operation operation : rest.document.operations()) {
            HttpResponse<String> response = rest.send(
                    operation.method(), operation.path(), "", body(operation), "Content-Type", "application/json");
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
        assertThat(rest.document.operations()).hasSizeGreaterThan(20);
        for (Operation operation : rest.document.operations()) {
            if (operation.role() == null || operation.path().endsWith("login")) {
                continue;
            }
            for (String role : roles) {
                HttpResponse<String> response = rest.send(
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
        rest.site.send("POST", "api/v1/outboxes/orders/resume", "{\"reason\":\"a test\"}", as(OPERATOR));
    }

    @Test
    void aTokenThatNobodyKnowsIsRefusedAndSoIsAProxyFromElsewhere() throws Exception {
        assertThat(rest.send("GET", "/api/v1/outboxes", "", "", "Authorization", "Bearer wrong")
                        .statusCode())
                .isEqualTo(401);
        assertThat(rest.send("GET", "/api/v1/outboxes", "", "", "Authorization", "Basic YTpi")
                        .statusCode())
                .isEqualTo(401);
        assertThat(rest.send("GET", "/api/v1/outboxes", "", "", "X-User", "root", "X-Role", "operator")
                        .statusCode())
                .isEqualTo(401);
    }

    @Test
    void viewersSeeNoPayloadsAndMasksHideFieldsFromAll() throws Exception {
        JsonNode viewed = json(rest.send("GET", O + "/events/{id}", "", "", as(VIEWER)), 200);
        assertThat(viewed.get("payload").isNull()).isTrue();
        assertThat(viewed.get("headers").isNull()).isTrue();
        assertThat(viewed.get("hidden").stringValue()).isEqualTo("role");
        for (String token : List.of(READER, OPERATOR)) {
            String payload = json(rest.send("GET", O + "/events/{id}", "", "", as(token)), 200)
                    .get("payload")
                    .stringValue();
            assertThat(payload).contains("\"order\":0", "Turin", "•••").doesNotContain("4111", "Ada");
            HttpResponse<String> raw = rest.send("GET", O + "/events/{id}/payload", "", "", as(token));
            assertThat(raw.body()).isEqualTo(payload);
            assertThat(raw.headers().firstValue("Content-Disposition").orElse(""))
                    .startsWith("attachment");
            assertThat(raw.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
        }
        long dead = rest.site.database.count("select min(id) from orders_outbox where status = 'dead'");
        JsonNode other = rest.site.get("api/v1/outboxes/orders/events/" + dead, as(READER));
        assertThat(other.get("payload").stringValue()).isEqualTo("•••");
        assertThat(other.get("headers").stringValue()).doesNotContain("hidden");
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

    // --- Browsers ----------------------------------------------------------------------------------------------------

    private record Browser(String cookie, String csrf) {
        /** The session's cookie and these headers. */
        String[] with(String[]... headers) {
            return Stream.concat(Stream.of("Cookie", cookie), Stream.of(headers).flatMap(Stream::of))
                    .toArray(String[]::new);
        }
    }

    /** The response to a change that an attacker may have made this browser send. */
    private static int forged(Browser browser, String[]... headers) throws Exception {
        return rest.send("POST", O + "/pause", "", "{\"reason\":\"forged\"}", browser.with(headers))
                .statusCode();
    }

    private static Browser login(String name) throws Exception {
        HttpResponse<String> response = rest.send(
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
                .as("what an HTML form can send")
                .isEqualTo(415);
        assertThat(forged(ada, token, json, new String[] {"Origin", "https://evil.example"}))
                .as("another site")
                .isEqualTo(403);
        for (Operation operation : rest.document.operations()) {
            if ("operator".equals(operation.role())) {
                String path = operation.path().replace("{outbox}", "orders").replace("{id}", "1");
                assertThat(rest.site
                                .send("GET", path.substring(1), null, "Cookie", ada.cookie())
                                .statusCode())
                        .as("GET %s changes nothing", operation.path())
                        .isIn(404, 405);
            }
        }
        assertThat(rest.site.database.count("select count(*) from posthaste_audit where reason = 'forged'"))
                .isZero();
        String[] right = ada.with(token, json);
        json(rest.send("POST", O + "/pause", "", "{\"reason\":\"wanted\"}", right), 200);
        json(rest.send("POST", O + "/resume", "", "{\"reason\":\"wanted\"}", right), 200);
        assertThat(rest.site.database.query("select actor from posthaste_audit where reason = 'wanted'"))
                .containsExactly("ada", "ada");
        json(rest.send("POST", "/api/v1/logout", "", "{}", right), 200);
        assertThat(rest.send("GET", "/api/v1/outboxes", "", "", "Cookie", ada.cookie())
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
                        .as("a host name that was made to point here")
                        .startsWith("HTTP/1.1 421")
                        .doesNotContain("orders");
            }
        }
    }
}
