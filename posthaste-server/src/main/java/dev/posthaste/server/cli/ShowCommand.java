package dev.posthaste.server.cli;

import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.EventDetails;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.server.Site;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "show",
        mixinStandardHelpOptions = true,
        description = "Shows one event with its payload, headers and audit.")
final class ShowCommand implements Callable<Integer> {
    @Mixin
    private SiteOptions site = new SiteOptions();

    @Mixin
    private Output output = new Output();

    @Parameters(index = "0", paramLabel = "OUTBOX", description = "The outbox.")
    private String outbox = "";

    @Parameters(index = "1", paramLabel = "ROW", description = "The event's row.")
    private long row;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        try (Site open = site.open()) {
            Optional<EventDetails> found = open.admin().find(outbox, row);
            if (found.isEmpty()) {
                spec.commandLine().getErr().println("Outbox " + outbox + " has no row " + row);
                return ExitCodes.NOTHING;
            }
            EventDetails details = found.get();
            List<AuditEntry> audit = open.admin().audit(outbox, row, null, 50);
            String payload = new String(details.stored().payload(), StandardCharsets.UTF_8);
            if (output.json) {
                Map<String, @Nullable Object> all = new LinkedHashMap<>();
                all.put("event", details.event());
                all.put("headers", details.stored().headers());
                all.put("payload", payload);
                all.put("audit", audit);
                Output.json(out, all);
                return ExitCodes.OK;
            }
            print(out, details.event());
            line(out, "headers", details.stored().headers());
            line(out, "defect", details.stored().defect());
            out.println();
            out.println(payload.lines().map(Output::printable).toList().stream()
                    .reduce((a, b) -> a + "\n" + b)
                    .orElse(""));
            if (!audit.isEmpty()) {
                out.println();
                List<List<? extends @Nullable Object>> rows = new ArrayList<>();
                audit.forEach(
                        entry -> rows.add(Arrays.asList(entry.at(), entry.actor(), entry.action(), entry.reason())));
                Output.table(out, List.of("WHEN", "WHO", "WHAT", "WHY"), rows);
            }
        }
        return ExitCodes.OK;
    }

    private static void print(PrintWriter out, FoundEvent event) {
        line(out, "row", event.id());
        line(out, "event", event.eventId());
        line(out, "type", event.type() + " " + event.version());
        line(out, "key", event.key());
        line(out, "destination", event.destination());
        line(out, "routing key", event.routingKey());
        line(
                out,
                "status",
                event.status() == null ? event.statusCode() : event.status().code());
        line(out, "attempts", event.attempts());
        line(out, "error", event.error());
        line(out, "written", event.createdAt());
        line(out, "next attempt", event.nextAttemptAt());
        line(out, "published", event.publishedAt());
        line(out, "consumed", event.consumedAt());
    }

    private static void line(PrintWriter out, String name, @Nullable Object value) {
        if (value != null) {
            out.printf("%-13s %s%n", name, Output.printable(value.toString()));
        }
    }
}
