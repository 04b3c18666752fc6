package dev.posthaste.examples.configcenter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.servers.Database;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class WebServerTest extends CenterTest {
    private final HttpClient http = HttpClient.newHttpClient();
    private Application application;
    private WebServer web;

    @BeforeEach
    void serve() throws Exception {
        application = start(Database.H2);
        web = WebServer.start(application, 0);
    }

    @AfterEach
    void stop() {
        web.close();
    }

    private HttpResponse<String> call(String method, String path, @Nullable String body) throws Exception {
        return call(method, path, body, "application/json");
    }

    private HttpResponse<String> call(String method, String path, @Nullable String body, String type) throws Exception {
        return http.send(
                HttpRequest.newBuilder(URI.create(web.address() + path))
                        .header("Content-Type", type)
                        .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                        .timeout(Duration.ofSeconds(20))
                        .build(),
                BodyHandlers.ofString());
    }

    @Test
    void aConfigurationIsCreatedReleasedUpdatedAndItsHistoryRead() throws Exception {
        assertThat(call("POST", "api/configs", """
                        {"module_name":"m","lang":"en","config_key":"k","desc":"","config_type":1,"config_value":"1",
                         "config_schema":"{}","user":"ada","related_users":""}
                        """).statusCode()).isEqualTo(201);
        assertThat(call("POST", "api/configs/1/release", "{\"version\":0,\"user\":\"ada\"}")
                        .body())
                .contains("\"version\":1");
        String update = "{\"version\":1,\"user\":\"bob\",\"config_value\":\"2\"}";
        assertThat(call("PUT", "api/configs/1", update).body()).contains("\"version\":2");
        HttpResponse<String> stale = call("PUT", "api/configs/1", update);
        assertThat(stale.statusCode()).isEqualTo(409);
        assertThat(stale.body()).contains("is now at version 2");
        awaitHistory(application, 1);
        assertThat(call("GET", "api/configs/1/history", null).body()).contains("\"config_value\":\"1\"");
        assertThat(call("GET", "api/history", null).body()).contains("\"version\":1");
        assertThat(call("GET", "api/state", null).body()).contains("\"history\":1");
    }

    @Test
    void whatIsWrongIsSaid() throws Exception {
        assertThat(call("PUT", "api/configs/7", "{\"version\":1,\"user\":\"a\",\"config_value\":\"\"}")
                        .statusCode())
                .isEqualTo(404);
        assertThat(call("PUT", "api/configs/x", "{}").statusCode()).isEqualTo(400);
        assertThat(call("POST", "api/configs", "{oops").body()).contains("Invalid request body");
        assertThat(call("POST", "api/configs", "{}").body()).contains("module_name is missing");
    }

    @Test
    void anotherSitesFormChangesNothing() throws Exception {
        HttpResponse<String> form = call("PUT", "api/switches/history", "{\"on\":false}", "text/plain");
        assertThat(form.statusCode()).isEqualTo(400);
        assertThat(application.history().available()).isTrue();
    }

    @Test
    void thePageAllowsNoForeignScript() throws Exception {
        HttpResponse<String> page = call("GET", "", null);
        assertThat(page.body()).contains("Configuration centre");
        assertThat(page.headers().firstValue("Content-Security-Policy").orElse(""))
                .contains("default-src 'self'")
                .doesNotContain("unsafe");
        assertThat(call("GET", "app.js", null).body()).doesNotContain("innerHTML");
    }

    @Test
    void theStateComesAsAStream() throws Exception {
        HttpResponse<Stream<String>> live = http.send(
                HttpRequest.newBuilder(URI.create(web.address() + "api/live"))
                        .header("Accept", "text/event-stream")
                        .build(),
                BodyHandlers.ofLines());
        try (Stream<String> lines = live.body()) {
            assertThat(lines.filter(line -> line.startsWith("data: {"))
                            .findFirst()
                            .orElse(""))
                    .contains("\"history_running\":true");
        }
    }
}
