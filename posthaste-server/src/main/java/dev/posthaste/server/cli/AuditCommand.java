package dev.posthaste.server.cli;

import dev.posthaste.admin.AuditEntry;
import dev.posthaste.server.Deployment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "audit", mixinStandardHelpOptions = true, description = "Shows who changed what and why, newest first.")
final class AuditCommand extends DeploymentCommand {
    @Mixin
    private Output output = new Output();

    @Parameters(arity = "0..1", paramLabel = "OUTBOX", description = "The outbox; all of them if not given.")
    @Nullable
    private String outbox;

    @Option(names = "--limit", defaultValue = "50", description = "The most to print; ${DEFAULT-VALUE} if not given.")
    private int limit = 50;

    @Option(names = "--before", description = "Only entries below this one.")
    @Nullable
    private Long before;

    @Override
    int run(Deployment open) {
        List<AuditEntry> entries = outbox == null
                ? open.admin().audit(null, before, limit)
                : open.admin().outbox(outbox).audit(null, before, limit);
        if (output.json) {
            entries.forEach(entry -> Output.json(out(), entry));
        } else {
            List<List<? extends @Nullable Object>> rows = new ArrayList<>();
            entries.forEach(entry -> rows.add(Arrays.asList(
                    entry.id(),
                    entry.at(),
                    entry.actor(),
                    entry.action().name().toLowerCase(Locale.ROOT),
                    entry.outbox(),
                    entry.position(),
                    entry.events(),
                    entry.reason())));
            Output.table(out(), List.of("ENTRY", "WHEN", "WHO", "WHAT", "OUTBOX", "POSITION", "EVENTS", "WHY"), rows);
        }
        return entries.isEmpty() ? ExitCodes.NOTHING : ExitCodes.OK;
    }
}
