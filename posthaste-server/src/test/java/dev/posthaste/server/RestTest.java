package dev.posthaste.server;

import static dev.posthaste.server.RestClient.O;
import static dev.posthaste.server.RestClient.OPERATOR;
import static dev.posthaste.server.RestClient.READER;
import static dev.posthaste.server.RestClient.VIEWER;
import static dev.posthaste.server.RestClient.as;
import static dev.posthaste.server.RestClient.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Status;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.jdbc.Stores;
import dev.posthaste.relay.Replay;
import dev.posthaste.relay.internal.ReplayRun;
import dev.posthaste.server.config.Config.OutboxConfig;
import dev.posthaste.server.config.ConfigReader;
import dev.posthaste.testkit.internal.RecordingBroker;
import java.net.http.HttpResponse;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The HTTP interface as programs use it. */
class RestTest {
    private static RestClient rest;

    @BeforeAll
    static void open() throws Exception {
        rest = new RestClient();
    }

    @AfterAll
    static void close() throws Exception {
        rest.close();
    }

    @Test
    void eventsAreFoundPageByPage() throws Exception {
        JsonNode all = json(rest.send("GET", "/api/v1/outboxes", "", "", as(VIEWER)), 200);
        assertThat(all.get("outboxes").size()).isEqualTo(2);
        Set<Long> seen = new HashSet<>();
        String before = "";
        do {
            JsonNode page =
                    json(rest.send("GET", O + "/events", "?status=published&limit=7" + before, "", as(VIEWER)), 200);
            page.get("events").forEach(event -> seen.add(event.get("id").longValue()));
            before = page.get("next").isNull()
                    ? ""
                    : "&before=" + page.get("next").longValue();
        } while (!before.isEmpty());
        assertThat(seen).hasSize(30);
        assertThat(json(rest.send("GET", O + "/events", "?key=k1", "", as(VIEWER)), 200)
                        .get("events")
                        .size())
                .isEqualTo(10);
        assertThat(json(rest.send("GET", O + "/history", "?minutes=5", "", as(VIEWER)), 200)
                        .get("samples")
                        .size())
                .isPositive();
        assertThat(json(rest.send("GET", O + "/errors", "", "", as(VIEWER)), 200)
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
            assertThat(json(rest.send("GET", O + "/events", each.getKey(), "", robot), 400)
                            .get("error")
                            .stringValue())
                    .contains(each.getValue());
        }
        assertThat(json(rest.send("POST", O + "/requeue", "", "{\"ids\":[1]}", robot), 400)
                        .get("error")
                        .stringValue())
                .contains("'reason' is missing");
        assertThat(json(rest.send("POST", O + "/requeue", "", "{\"reason\":\"because\"}", robot), 400)
                        .get("error")
                        .stringValue())
                .contains("Select events");
        assertThat(json(
                                rest.send(
                                        "POST",
                                        O + "/requeue",
                                        "",
                                        "{\"reason\":\"because\",\"search\":{\"status\":\"published\"},\"expecting\":1}",
                                        robot),
                                400)
                        .get("error")
                        .stringValue())
                .contains("Only dead events");
        json(rest.send("POST", O + "/requeue", "", "{\"reason\":", robot), 400);
        json(
                rest.send(
                        "POST",
                        O + "/purge",
                        "",
                        "{\"reason\":\"because\",\"keep\":\"PT0S\",\"statuses\":[\"pending\"]}",
                        robot),
                400);
        json(
                rest.send(
                        "POST",
                        O + "/replays",
                        "",
                        "{\"reason\":\"because\",\"search\":{\"status\":\"pending\"}}",
                        robot),
                400);
        json(
                rest.send(
                        "POST",
                        O + "/replays",
                        "",
                        "{\"reason\":\"because\",\"search\":{\"status\":\"published\"},\"destination\":\"elsewhere\"}",
                        robot),
                400);
        assertThat(rest.site
                        .send("GET", "api/v1/outboxes/none/events", null, robot)
                        .statusCode())
                .isEqualTo(404);
        assertThat(rest.site.send("GET", "api/v1/nothing", null, robot).statusCode())
                .isEqualTo(404);
        assertThat(rest.site
                        .send(
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
                json(rest.send("POST", O + "/" + path, "", body, as(OPERATOR)), 400);
            }
        }
        json(rest.send("POST", "/api/v1/login", "", "null", "Content-Type", "application/json"), 400);
        String purge = "{\"reason\":\"because\",\"statuses\":[%s],\"keep\":\"%s\"}";
        for (String body :
                List.of(purge.formatted("\"\"", "P7D"), purge.formatted("\"dead\"", "PT2562047788015215H"))) {
            json(rest.send("POST", O + "/purge", "", body, as(OPERATOR)), 400);
        }
        for (String time : List.of("-1000000000-01-01T00:00:00Z", "%2B1000000000-12-31T23:59:59Z")) {
            for (String part : List.of("from", "to")) {
                assertThat(json(rest.send("GET", O + "/events", "?" + part + "=" + time, "", as(VIEWER)), 400)
                                .get("error")
                                .stringValue())
                        .contains("'" + part + "' is between");
            }
        }
    }

    @Test
    void H46_whatIsSentAsNamesAndTextStaysText() throws Exception {
        long before = rest.site.database.count("select count(*) from orders_outbox");
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
                        rest.send("GET", O + "/events", "?" + part + "=" + coded, "", "Authorization", robot);
                assertThat(json(found, 200).get("events").size())
                        .as("%s %s", part, hostile)
                        .isZero();
            }
            assertThat(rest.site
                            .send(
                                    "GET",
                                    "api/v1/outboxes/" + coded.replace("+", "%20") + "/events",
                                    null,
                                    "Authorization",
                                    robot)
                            .statusCode())
                    .isIn(400, 404);
            String reason =
                    TestSite.JSON.writeValueAsString(Map.of("reason", "why " + hostile, "ids", List.of(999999)));
            json(rest.send("POST", O + "/requeue", "", reason, as(OPERATOR)), 200);
        }
        assertThat(rest.site.database.count("select count(*) from orders_outbox"))
                .isEqualTo(before);
    }

    @Test
    void aMassChangeSaysHowManyItExpects() throws Exception {
        long dead = rest.site.count("dead");
        for (String change : List.of("requeue", "discard")) {
            String search = "\"reason\":\"because\",\"search\":{\"type\":\"order.refused\"}";
            JsonNode dry = json(
                    rest.send("POST", O + "/" + change, "", "{\"dryRun\":true," + search + "}", as(OPERATOR)), 200);
            assertThat(dry.get("events").longValue()).isEqualTo(dead);
            assertThat(json(rest.send("POST", O + "/" + change, "", "{" + search + "}", as(OPERATOR)), 400)
                            .get("error")
                            .stringValue())
                    .contains("'expecting' is missing");
            String wrong = "{\"expecting\":" + (dead + 1) + "," + search + "}";
            assertThat(json(rest.send("POST", O + "/" + change, "", wrong, as(OPERATOR)), 409)
                            .get("error")
                            .stringValue())
                    .contains("outbox orders has " + dead);
        }
        String replay = "{\"reason\":\"because\",\"search\":{\"status\":\"published\"},\"expecting\":1}";
        json(rest.send("POST", O + "/replays", "", replay, as(OPERATOR)), 409);
        assertThat(rest.site.count("dead")).isEqualTo(dead);
    }

    @Test
    void aSecondClickIsKnownForWhatItIs() throws Exception {
        long dead = rest.site.database.count("select max(id) from orders_outbox where status = 'dead'");
        String body = "{\"reason\":\"not needed\",\"changeId\":\"click-1\",\"ids\":[" + dead + "]}";
        JsonNode first = json(rest.send("POST", O + "/discard", "", body, as(OPERATOR)), 200);
        JsonNode second = json(rest.send("POST", O + "/discard", "", body, as(OPERATOR)), 200);
        assertThat(first.get("events").intValue()).isEqualTo(1);
        assertThat(first.get("repeated").booleanValue()).isFalse();
        assertThat(second.get("events").intValue()).isEqualTo(1);
        assertThat(second.get("repeated").booleanValue()).isTrue();
        JsonNode audit =
                json(rest.send("GET", "/api/v1/audit", "?outbox=orders&position=" + dead, "", as(READER)), 200);
        assertThat(audit.get("entries").size()).isEqualTo(1);
        assertThat(audit.get("entries").get(0).get("actor").stringValue()).isEqualTo("robot");
        assertThat(audit.get("entries").get(0).get("detail").stringValue())
                .contains("order.refused")
                .doesNotContain("hidden");
        assertThat(audit.get("entries").get(0).get("position").longValue()).isEqualTo(dead);
        assertThat(json(rest.send("GET", "/api/v1/audit", "?outbox=orders&row=" + dead, "", as(READER)), 200))
                .as("by the parameter's former name")
                .isEqualTo(audit);
        assertThat(json(rest.send("GET", "/api/v1/audit", "?position=" + dead, "", as(VIEWER)), 200)
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
        JsonNode started = json(rest.send("POST", O + "/replays", "", body, as(OPERATOR)), 202);
        json(rest.send("POST", O + "/replays", "", body, as(OPERATOR)), 202);
        JsonNode all = json(rest.send("GET", "/api/v1/replays", "", "", as(VIEWER)), 200);
        assertThat(all.get("replays")
                        .valueStream()
                        .filter(each -> each.get("id").stringValue().equals("replay-1")))
                .as("only one, although it was clicked twice")
                .hasSize(1);
        assertThat(started.get("actor").stringValue()).isEqualTo("robot");
        JsonNode cancelled = rest.site.get("api/v1/replays/replay-1", as(VIEWER));
        assertThat(cancelled.get("state").stringValue()).isIn("waiting", "running");
        rest.site.send("POST", "api/v1/replays/replay-1/cancel", "{}", as(OPERATOR));
        TestSite.until("it is cancelled", () -> state("replay-1").equals("cancelled"));
        assertThat(rest.site.database.count("select events from posthaste_audit where change_id = 'replay-1'"))
                .isLessThan(30);
    }

    /** A replay as left by another process that was stopped before it had sent anything. */
    private static void interrupted(String id) throws Exception {
        OutboxConfig orders = Objects.requireNonNull(rest.site.config.outboxes().get("orders"));
        StoreOutboxAdmin admin = Stores.in(rest.site.database.dataSource())
                .admin(ConfigReader.catalog(List.of(orders)))
                .outbox("orders");
        try (RecordingBroker nobody = new RecordingBroker()) {
            ReplayRun replay = new ReplayRun(
                    admin,
                    new ReplayPlan(EventFilter.status(Status.PUBLISHED), null, null, 1_000),
                    nobody,
                    Change.by("ada", "rebuilt").id(id));
            replay.interrupt();
            replay.run();
            assertThat(replay.progress().state()).isEqualTo(Replay.Run.State.INTERRUPTED);
        }
    }

    @Test
    void B15_anInterruptedReplayIsShownAndContinuesOrIsCancelled() throws Exception {
        for (String id : List.of("replay-clicked", "replay-again", "replay-unwanted")) {
            interrupted(id);
            assertThat(state(id)).isEqualTo("interrupted");
        }
        assertThat(json(rest.send("GET", "/api/v1/replays", "", "", as(VIEWER)), 200)
                        .get("replays")
                        .valueStream()
                        .filter(each -> each.get("state").stringValue().equals("interrupted")))
                .hasSize(3);
        assertThat(rest.site
                        .send("POST", "api/v1/replays/replay-clicked/continue", "{}", as(OPERATOR))
                        .statusCode())
                .isEqualTo(200);
        TestSite.until("it is finished", () -> state("replay-clicked").equals("finished"));
        String body = "{\"reason\":\"rebuilt\",\"changeId\":\"replay-again\",\"search\":{\"status\":\"published\"}}";
        json(rest.send("POST", O + "/replays", "", body, as(OPERATOR)), 202);
        TestSite.until("it is finished", () -> state("replay-again").equals("finished"));
        rest.site.send("POST", "api/v1/replays/replay-unwanted/cancel", "{}", as(OPERATOR));
        TestSite.until("it is cancelled", () -> state("replay-unwanted").equals("cancelled"));
        TestSite.until( // it reports that immediately, and then records it
                "and recorded",
                () -> rest.site.database.count("select count(*) from posthaste_audit"
                                + " where change_id = 'replay-unwanted' and detail like 'cancelled%'")
                        == 1);
        assertThat(rest.site.database.query("select change_id, events, split_part(detail, ':', 1) from posthaste_audit"
                        + " where action = 'replay' and actor = 'ada' order by change_id"))
                .containsExactly(
                        "replay-again|30|finished", "replay-clicked|30|finished", "replay-unwanted|0|cancelled");
        assertThat(rest.site
                        .send("POST", "api/v1/replays/no-such/continue", "{}", as(OPERATOR))
                        .statusCode())
                .isEqualTo(404);
    }

    private static String state(String replay) {
        try {
            return rest.site
                    .get("api/v1/replays/" + replay, as(VIEWER))
                    .get("state")
                    .stringValue();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
