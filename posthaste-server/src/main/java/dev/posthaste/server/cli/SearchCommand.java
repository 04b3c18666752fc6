package dev.posthaste.server.cli;

import dev.posthaste.internal.admin.FoundPage;
import dev.posthaste.server.Deployment;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "search", mixinStandardHelpOptions = true, description = "Finds events, newest first.")
final class SearchCommand extends DeploymentCommand {
    @Mixin
    private Output output = new Output();

    @Mixin
    private SearchOptions search = new SearchOptions();

    @Parameters(paramLabel = "OUTBOX", description = "The outbox.")
    private String outbox = "";

    @Option(names = "--limit", defaultValue = "50", description = "The most to print; ${DEFAULT-VALUE} if not given.")
    private int limit = 50;

    @Option(names = "--before", description = "Only positions below this one: the end of what was printed before.")
    @Nullable
    private Long before;

    @Override
    int run(Deployment open) {
        FoundPage found = Events.find(open.admin().outbox(outbox), search.search(), before, limit);
        Events.print(out(), output.json, found.events());
        if (found.next() != null && !output.json) {
            err().println("There may be more: --before " + found.next());
        }
        return found.events().isEmpty() ? ExitCodes.NOTHING : ExitCodes.OK;
    }
}
