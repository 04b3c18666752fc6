package dev.posthaste.server.cli;

import dev.posthaste.admin.LeaseState;
import dev.posthaste.server.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "leases",
        mixinStandardHelpOptions = true,
        description = "Shows which relay holds which outbox, and which stand ready.")
final class LeasesCommand implements Callable<Integer> {
    @Mixin
    private SiteOptions site = new SiteOptions();

    @Mixin
    private Output output = new Output();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() {
        var out = spec.commandLine().getOut();
        List<List<? extends @Nullable Object>> rows = new ArrayList<>();
        try (Site open = site.open()) {
            for (String outbox : open.admin().outboxes()) {
                LeaseState lease = open.admin().lease(outbox);
                if (output.json) {
                    Output.json(out, lease);
                } else {
                    rows.add(Arrays.asList(
                            outbox,
                            lease.owner(),
                            lease.epoch(),
                            lease.owner() == null ? null : lease.expiresIn().toSeconds() + " s",
                            lease.pausedBy(),
                            String.join(", ", lease.relays())));
                }
            }
        }
        if (!output.json) {
            Output.table(out, List.of("OUTBOX", "OWNER", "EPOCH", "EXPIRES IN", "PAUSED BY", "RELAYS"), rows);
        }
        return ExitCodes.OK;
    }
}
