package dev.posthaste.server.cli;

import dev.posthaste.server.Check;
import dev.posthaste.server.config.Config;
import dev.posthaste.server.config.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "check",
        mixinStandardHelpOptions = true,
        description = "Reads the configuration, connects to everything it names, and says all that is wrong at once.")
final class CheckCommand implements Callable<Integer> {
    @Mixin
    private SiteOptions site = new SiteOptions();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() {
        Config config = site.config();
        List<Problem> warnings = new ArrayList<>();
        List<Problem> problems = Check.connect(config, warnings);
        var out = spec.commandLine().getOut();
        warnings.forEach(warning -> out.println("warning: " + warning.at(site.file.toString())));
        problems.forEach(problem -> spec.commandLine().getErr().println(problem.at(site.file.toString())));
        if (problems.isEmpty()) {
            out.println("All is well: " + config.databases().size() + " databases, "
                    + config.brokers().size() + " brokers, " + config.outboxes().size() + " outboxes");
        }
        return problems.isEmpty() ? ExitCodes.OK : ExitCodes.UNREACHABLE;
    }
}
