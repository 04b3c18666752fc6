package dev.posthaste.server.cli;

import dev.posthaste.SchemaException;
import dev.posthaste.StoreException;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.UnexpectedCountException;
import dev.posthaste.admin.UnknownOutboxException;
import dev.posthaste.server.Deployment;
import dev.posthaste.server.Logging;
import dev.posthaste.server.config.ConfigException;
import java.io.PrintWriter;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The entry point of the command line. */
@Command(
        name = "posthaste",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Relays events from outboxes to brokers, shows their status, and repairs what went wrong.",
        subcommands = {
            RunCommand.class,
            CheckCommand.class,
            InitCommand.class,
            StatusCommand.class,
            TailCommand.class,
            SearchCommand.class,
            ShowCommand.class,
            RequeueCommand.class,
            DiscardCommand.class,
            ReplayCommand.class,
            PauseCommand.class,
            ResumeCommand.class,
            PurgeCommand.class,
            LeasesCommand.class,
            AuditCommand.class,
            HashPasswordCommand.class,
            NewTokenCommand.class,
            AutoComplete.GenerateCompletion.class
        },
        footer = {
            "",
            "Exit codes: 0 done; 1 no such event, or nothing to change; 2 wrong command line or configuration;",
            "3 a database or broker does not answer, or is not ready.",
            "",
            "All commands but hash-password and new-token read the configuration: -c FILE, or posthaste.yml here."
        })
public final class Posthaste implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "A command is missing");
    }

    /** Runs one command and returns its exit code. */
    public static int execute(PrintWriter out, PrintWriter err, String... arguments) {
        CommandLine line = new CommandLine(new Posthaste());
        line.setOut(out);
        line.setErr(err);
        line.setExecutionExceptionHandler((e, command, parsed) -> explain(e, command));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        return line.execute(arguments);
    }

    private static int explain(Exception e, CommandLine command) throws Exception {
        PrintWriter err = command.getErr();
        if (e instanceof ConfigException
                || e instanceof IllegalArgumentException
                || e instanceof UnknownOutboxException) {
            err.println(e.getMessage());
            return ExitCodes.USAGE;
        }
        if (e instanceof UnexpectedCountException) {
            err.println(e.getMessage());
            return ExitCodes.NOTHING;
        }
        if (e instanceof Deployment.UnreachableException
                || e instanceof StoreException
                || e instanceof SchemaException
                || e instanceof IllegalStateException) {
            err.println("posthaste: " + Output.printable(String.valueOf(e.getMessage())));
            return ExitCodes.UNREACHABLE;
        }
        throw e;
    }

    /** Prints how many were changed. */
    static int tell(PrintWriter out, boolean json, String what, ChangeResult result) {
        if (json) {
            Output.json(out, result);
        } else {
            out.println(Output.count(result.events(), "event", "events") + " " + what
                    + (result.locked() == 0
                            ? ""
                            : "; " + result.locked()
                                    + " skipped because another transaction has them locked:"
                                    + " run the same command again"));
        }
        return result.events() == 0 ? ExitCodes.NOTHING : ExitCodes.OK;
    }

    public static void main(String[] arguments) {
        Logging.errorsToStderr();
        PrintWriter out = new PrintWriter(System.out, true, java.nio.charset.StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(System.err, true, java.nio.charset.StandardCharsets.UTF_8);
        System.exit(execute(out, err, arguments));
    }
}
