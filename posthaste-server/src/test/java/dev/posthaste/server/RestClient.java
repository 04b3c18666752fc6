package dev.posthaste.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import java.net.http.HttpResponse;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/**
 * The HTTP interface of a daemon with a token for each role and some events, used over the network. Checks every
 * response against the interface's own document.
 */
final class RestClient implements AutoCloseable {
    static final String VIEWER = Passwords.newToken();
    static final String READER = Passwords.newToken();
    static final String OPERATOR = Passwords.newToken();
    static final String PASSWORD = "correct horse battery";
    /** The path of an outbox. */
    static final String O = "/api/v1/outboxes/{outbox}";

    final TestSite site;
    final OpenApi document;

    RestClient() throws Exception {
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
                .mapToObj(i -> Event.of("order.refused", null, "not JSON " + i)
                        .destination("no-such-exchange")
                        .header("secret", "hidden"))
                .toArray(Event[]::new));
        TestSite.until("all are settled", () -> site.count("published") == 30 && site.count("dead") == 4);
    }

    static String[] as(String token) {
        return new String[] {"Authorization", "Bearer " + token, "Content-Type", "application/json"};
    }

    /** Sends the request, and checks the response against the document. */
    HttpResponse<String> send(String method, String path, String query, String body, String... headers)
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

    static JsonNode json(HttpResponse<String> response, int status) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        return TestSite.JSON.readTree(response.body());
    }

    @Override
    public void close() throws Exception {
        site.close();
    }
}
