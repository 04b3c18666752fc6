package dev.posthaste.server.cli;

import dev.posthaste.Backlog;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.admin.OutboxAdmin;
import dev.posthaste.internal.text.DurationText;
import dev.posthaste.server.Deployment;
import dev.posthaste.server.Diagnosis;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description = "Shows what waits in each outbox, and what is dead.")
final class StatusCommand extends DeploymentCommand {
    @Mixin
    private Output output = new Output();

    record Line(
            String outbox,
            long pending,
            long oldestMillis,
            long dead,
            @Nullable String owner,
            @Nullable String pausedBy) {}

    @Override
    int run(Deployment open) {
        List<List<? extends @Nullable Object>> rows = new ArrayList<>();
        for (OutboxAdmin outbox : open.admin().all()) {
            Backlog backlog = outbox.backlog();
            LeaseState lease = outbox.lease();
            Line line = new Line(
                    lease.outbox(),
                    backlog.pending(),
                    backlog.oldestAge().toMillis(),
                    backlog.dead(),
                    lease.owner(),
                    lease.pausedBy());
            if (output.json) {
                Output.json(out(), line);
            } else {
                rows.add(java.util.Arrays.asList(
                        line.outbox(),
                        Diagnosis.number(line.pending()),
                        line.pending() == 0 ? null : DurationText.rounded(backlog.oldestAge()),
                        Diagnosis.number(line.dead()),
                        line.pausedBy() == null ? line.owner() : "paused by " + line.pausedBy()));
            }
        }
        if (!output.json) {
            Output.table(out(), List.of("OUTBOX", "PENDING", "OLDEST", "DEAD", "RELAY"), rows);
        }
        return ExitCodes.OK;
    }
}
