package dev.posthaste.server.cli;

import dev.posthaste.admin.Admin;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.server.Deployment;
import dev.posthaste.server.Diagnosis;
import dev.posthaste.store.OutboxStore;
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
        Admin admin = open.admin();
        for (String outbox : admin.outboxes()) {
            OutboxStore.Backlog backlog = admin.backlog(outbox);
            LeaseState lease = admin.lease(outbox);
            Line line = new Line(
                    outbox,
                    backlog.pending(),
                    backlog.oldestAge().toMillis(),
                    backlog.dead(),
                    lease.owner(),
                    lease.pausedBy());
            if (output.json) {
                Output.json(out(), line);
            } else {
                rows.add(java.util.Arrays.asList(
                        outbox,
                        Diagnosis.number(line.pending()),
                        line.pending() == 0 ? null : Diagnosis.words(backlog.oldestAge()),
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
