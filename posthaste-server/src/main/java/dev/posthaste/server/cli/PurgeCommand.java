package dev.posthaste.server.cli;

import dev.posthaste.Status;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.server.Deployment;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "purge",
        mixinStandardHelpOptions = true,
        description = "Deletes finished events that are old enough, now, instead of when retention next runs.")
final class PurgeCommand extends DeploymentCommand {
    @Mixin
    private Output output = new Output();

    @Mixin
    private ChangeOptions change = new ChangeOptions();

    @Parameters(paramLabel = "OUTBOX", description = "The outbox.")
    private String outbox = "";

    @Option(
            names = "--keep",
            converter = Durations.class,
            description = "Keep events younger than this; the outbox's own retention if not given.")
    @Nullable
    private Duration keep;

    @Option(
            names = "--status",
            converter = SearchOptions.StatusWord.class,
            description = "published, consumed or dead, may be repeated; what retention deletes if not given.")
    private Set<Status> statuses = new TreeSet<>();

    @Override
    int run(Deployment open) {
        var config = open.outbox(outbox);
        Set<Status> wanted = new TreeSet<>(statuses);
        if (wanted.isEmpty()) {
            wanted.add(config.definition().tracked() ? Status.CONSUMED : Status.PUBLISHED);
        }
        change.announce(err(), output.json);
        ChangeResult result = open.admin()
                .outbox(outbox)
                .purge(keep == null ? config.definition().keep() : keep, wanted, change.change(), done -> {
                    if (done > 0 && !output.json) {
                        err().println(done + " deleted …");
                    }
                    return true;
                });
        return Posthaste.tell(out(), output.json, "deleted", result);
    }
}
