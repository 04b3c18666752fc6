package dev.posthaste.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What probes, Prometheus and browsers fetch from a daemon. */
class HealthTest {
    private static TestSite site;

    @BeforeAll
    static void open() throws Exception {
        site = TestSite.start("");
        site.write(Event.of("order.placed", "k", "{}"));
        TestSite.until("it is published", () -> site.count("published") == 1);
    }

    @AfterAll
    static void close() throws Exception {
        site.close();
    }

    @Test
    void healthAndMetricsSayHowItIs() throws Exception {
        assertThat(site.get("health/live").get("status").stringValue()).isEqualTo("up");
        assertThat(site.get("health/ready").get("status").stringValue()).isIn("up", "degraded");
        assertThat(site.send("GET", "metrics", null).body())
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
        String scraped = site.send("GET", "metrics", null).body();
        for (String file : List.of("grafana-dashboard.json", "prometheus-alerts.yml")) {
            String text = Files.readString(Path.of("../packaging", file));
            assertThat(Pattern.compile("posthaste_[a-z_]+")
                            .matcher(text)
                            .results()
                            .map(MatchResult::group))
                    .as(file)
                    .hasSizeGreaterThan(5)
                    .allSatisfy(name -> assertThat(scraped).contains("\n" + name + "{"));
        }
    }
}
