package dev.posthaste.server.cli;

import dev.posthaste.server.ConnectionCheck;
import dev.posthaste.server.config.Config;
import dev.posthaste.server.config.Problem;
import java.io.PrintWriter;
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
        description = "Reads the configuration, connects to everything it names, and reports everything that is wrong.")
final class CheckCommand implements Callable<Integer> {
    @Mixin
    private DeploymentOptions deployment = new DeploymentOptions();

    @Mixin
    private Output output = new Output();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    record Line(String level, int line, String message) {}

    @Override
    public Integer call() {
        Config config = deployment.config();
        List<Problem> warnings = new ArrayList<>();
        List<Problem> problems = ConnectionCheck.connect(config, warnings);
        PrintWriter out = spec.commandLine().getOut();
        if (output.json) {
            problems.forEach(problem -> Output.json(out, new Line("error", problem.line(), problem.message())));
            warnings.forEach(warning -> Output.json(out, new Line("warning", warning.line(), warning.message())));
        } else {
            warnings.forEach(warning -> out.println("warning: " + warning.at(deployment.file.toString())));
            problems.forEach(problem -> spec.commandLine().getErr().println(problem.at(deployment.file.toString())));
            if (problems.isEmpty()) {
                out.println("All is well: " + Output.count(config.databases().size(), "database", "databases") + ", "
                        + Output.count(config.brokers().size(), "broker", "brokers") + ", "
                        + Output.count(config.outboxes().size(), "outbox", "outboxes"));
            }
        }
        return problems.isEmpty() ? ExitCodes.OK : ExitCodes.UNREACHABLE;
    }
}
