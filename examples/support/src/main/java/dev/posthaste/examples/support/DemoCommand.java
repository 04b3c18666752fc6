package dev.posthaste.examples.support;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The command line of a demo: the options that select its database, and how it ends. A demo adds its own options, with
 * an {@code order} from 10 before {@code --data}, and from 30 after it.
 */
public abstract class DemoCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = "--database",
            order = 1,
            paramLabel = "URL",
            description =
                    "JDBC URL of a PostgreSQL, MySQL or MariaDB database; default: a SQLite file in the data directory.")
    private @Nullable String database;

    @Option(names = "--user", order = 2, paramLabel = "NAME", description = "The database's user.")
    private @Nullable String user;

    @Option(names = "--password", order = 3, paramLabel = "WORD", description = "The user's password.")
    private @Nullable String password;

    @Option(
            names = "--data",
            order = 20,
            paramLabel = "DIR",
            description = "Directory of the SQLite file; default: ${DEFAULT-VALUE}.")
    private Path data;

    @Option(
            names = {"-h", "--help"},
            order = 90,
            usageHelp = true,
            description = "Show this help.")
    private boolean help;

    /** @param data the default of {@code --data} */
    protected DemoCommand(Path data) {
        this.data = data;
    }

    /**
     * Runs to completion and returns the exit code: 2 and one line if an option is invalid or it {@linkplain
     * CannotStartException cannot start}, 1 after another exception, otherwise what {@link #call} returns.
     */
    protected final int execute(String... arguments) {
        CommandLine line = new CommandLine(this);
        line.setParameterExceptionHandler(
                (e, all) -> complain(e.getMessage() + ". See ./" + spec().name() + " --help"));
        line.setExecutionExceptionHandler((e, command, result) -> {
            if (e instanceof CannotStartException) {
                return complain(e.getMessage());
            }
            e.printStackTrace();
            return 1;
        });
        return line.execute(arguments);
    }

    /** Prints the line, and returns its exit code. */
    protected final int complain(@Nullable String message) {
        System.err.println(spec().name() + ": " + message);
        return 2;
    }

    protected final ParameterException wrong(String message) {
        return new ParameterException(spec().commandLine(), message);
    }

    /** Checks the options of a load test, whose size is the option {@code name}. */
    protected final void checkLoad(String name, @Nullable Integer size, boolean exit, boolean resume) {
        if (size != null && size < 1) {
            throw wrong(name + " must be a positive number, not " + size);
        }
        if ((exit || resume) && size == null) {
            throw wrong((exit ? "--exit" : "--resume") + " requires " + name);
        }
    }

    /** @param example a valid URL */
    protected final void checkDatabase(String example) {
        if (database != null && !database.startsWith("jdbc:")) {
            throw wrong("--database must be a JDBC URL such as " + example);
        }
    }

    /** The database that the options name, or the SQLite file in the data directory, which is created. */
    protected final DatabaseSettings database(String sqliteFile) throws CannotStartException {
        if (database != null) {
            String secret = password != null ? password : System.getenv("POSTHASTE_PASSWORD");
            return DatabaseSettings.at(database, user, secret);
        }
        try {
            Files.createDirectories(data);
        } catch (IOException e) {
            String reason = e instanceof FileSystemException file ? file.getReason() : e.getMessage();
            throw new CannotStartException(
                    "Cannot use the directory " + data + ": "
                            + (reason != null ? reason : e.getClass().getSimpleName()),
                    e);
        }
        return DatabaseSettings.sqlite(data, sqliteFile);
    }

    private CommandSpec spec() {
        return Objects.requireNonNull(spec);
    }
}
