package dev.posthaste.server.cli;

import dev.posthaste.server.Deployment;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command that works on what a configuration names. */
abstract class DeploymentCommand implements Callable<Integer> {
    @Mixin
    private DeploymentOptions options = new DeploymentOptions();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    /** Rejects options that contradict each other, before anything is opened. */
    void check() {}

    /**
     * Does the work.
     *
     * @param open closed afterwards
     * @return the exit code
     */
    abstract int run(Deployment open) throws Exception;

    @Override
    public final Integer call() throws Exception {
        check();
        try (Deployment open = options.open()) {
            return run(open);
        }
    }

    final PrintWriter out() {
        return spec.commandLine().getOut();
    }

    final PrintWriter err() {
        return spec.commandLine().getErr();
    }

    final ParameterException wrong(String why) {
        return new ParameterException(spec.commandLine(), why);
    }
}
