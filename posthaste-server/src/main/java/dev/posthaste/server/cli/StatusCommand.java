package dev.posthaste.server.cli;

import dev.posthaste.admin.Admin;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.journal.Journal;
import dev.posthaste.server.Diagnosis;
import dev.posthaste.server.Site;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description = "Shows what waits in each outbox, and what is dead.")
final class StatusCommand implements Callable<Integer> {
    @Mixin
    private SiteOptions site = new SiteOptions();

    @Mixin
    private Output output = new Output();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    record Line(
            String outbox,
            long pending,
            long oldestMillis,
            long dead,
            @Nullable String owner,
            @Nullable String pausedBy) {}

    @Override
    public Integer call() {
        List<List<? extends @Nullable Object>> rows = new ArrayList<>();
        var out = spec.commandLine().getOut();
        try (Site open = site.open()) {
            Admin admin = open.admin();
            for (String outbox : admin.outboxes()) {
                Journal.Backlog backlog = admin.backlog(outbox);
                LeaseState lease = admin.lease(outbox);
                Line line = new Line(
                        outbox,
                        backlog.pending(),
                        backlog.oldestAge().toMillis(),
                        backlog.dead(),
                        lease.owner(),
                        lease.pausedBy());
                if (output.json) {
                    Output.json(out, line);
                } else {
                    rows.add(java.util.Arrays.asList(
                            outbox,
                            Diagnosis.number(line.pending()),
                            line.pending() == 0 ? null : Diagnosis.words(backlog.oldestAge()),
                            Diagnosis.number(line.dead()),
                            line.pausedBy() == null ? line.owner() : "paused by " + line.pausedBy()));
                }
            }
        }
        if (!output.json) {
            Output.table(out, List.of("OUTBOX", "PENDING", "OLDEST", "DEAD", "RELAY"), rows);
        }
        return ExitCodes.OK;
    }
}
