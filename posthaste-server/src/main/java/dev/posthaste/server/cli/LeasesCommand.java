package dev.posthaste.server.cli;

import dev.posthaste.admin.LeaseState;
import dev.posthaste.admin.OutboxAdmin;
import dev.posthaste.server.Deployment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "leases",
        mixinStandardHelpOptions = true,
        description = "Shows which relay holds which outbox, and which are standing by.")
final class LeasesCommand extends DeploymentCommand {
    @Mixin
    private Output output = new Output();

    @Override
    int run(Deployment open) {
        List<List<? extends @Nullable Object>> rows = new ArrayList<>();
        for (OutboxAdmin outbox : open.admin().all()) {
            LeaseState lease = outbox.lease();
            if (output.json) {
                Output.json(out(), lease);
            } else {
                rows.add(Arrays.asList(
                        lease.outbox(),
                        lease.owner(),
                        lease.epoch(),
                        lease.owner() == null ? null : lease.expiresIn().toSeconds() + " s",
                        lease.pausedBy(),
                        String.join(", ", lease.relays())));
            }
        }
        if (!output.json) {
            Output.table(out(), List.of("OUTBOX", "OWNER", "EPOCH", "EXPIRES IN", "PAUSED BY", "RELAYS"), rows);
        }
        return ExitCodes.OK;
    }
}
