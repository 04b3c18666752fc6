package dev.posthaste.server.cli;

import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.server.Deployment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "show",
        mixinStandardHelpOptions = true,
        description = "Shows one event with its payload, headers and audit.")
final class ShowCommand extends DeploymentCommand {
    @Mixin
    private Output output = new Output();

    @Parameters(index = "0", paramLabel = "OUTBOX", description = "The outbox.")
    private String outbox = "";

    @Parameters(index = "1", paramLabel = "POSITION", description = "The event's position.")
    private long position;

    @Override
    int run(Deployment open) {
        StoreOutboxAdmin admin = open.admin().outbox(outbox);
        Optional<FoundEvent> found = admin.find(position);
        if (found.isEmpty()) {
            err().println("Outbox " + outbox + " has no position " + position);
            return ExitCodes.NOTHING;
        }
        FoundEvent event = found.get();
        List<AuditEntry> audit = admin.audit(position, null, 50);
        String payload = new String(Objects.requireNonNull(event.payload()), StandardCharsets.UTF_8);
        if (output.json) {
            Map<String, @Nullable Object> all = new LinkedHashMap<>();
            all.put("event", event);
            all.put("headers", event.headers());
            all.put("payload", payload);
            all.put("audit", audit);
            Output.json(out(), all);
            return ExitCodes.OK;
        }
        print(event);
        line("headers", event.headers());
        line("defect", event.defect());
        out().println();
        out().println(payload.lines().map(Output::printable).toList().stream()
                .reduce((a, b) -> a + "\n" + b)
                .orElse(""));
        if (!audit.isEmpty()) {
            out().println();
            List<List<? extends @Nullable Object>> rows = new ArrayList<>();
            audit.forEach(entry -> rows.add(Arrays.asList(entry.at(), entry.actor(), entry.action(), entry.reason())));
            Output.table(out(), List.of("WHEN", "WHO", "WHAT", "WHY"), rows);
        }
        return ExitCodes.OK;
    }

    private void print(FoundEvent event) {
        line("position", event.position());
        line("event", event.eventId());
        line("type", event.type() + " " + event.version());
        line("key", event.key());
        line("destination", event.destination());
        line("routing key", event.routingKey());
        line(
                "status",
                event.status() == null ? event.statusCode() : event.status().code());
        line("attempts", event.attempts());
        line("error", event.error());
        line("written", event.createdAt());
        line("next attempt", event.nextAttemptAt());
        line("published", event.publishedAt());
        line("consumed", event.consumedAt());
    }

    private void line(String name, @Nullable Object value) {
        if (value != null) {
            out().printf("%-13s %s%n", name, Output.printable(value.toString()));
        }
    }
}
