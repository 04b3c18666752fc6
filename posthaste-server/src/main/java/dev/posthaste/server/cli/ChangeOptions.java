package dev.posthaste.server.cli;

import dev.posthaste.admin.Change;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Who changes something, and why. */
final class ChangeOptions {
    @Option(
            names = {"-m", "--reason"},
            required = true,
            paramLabel = "TEXT",
            description = "Why; it goes into the audit.")
    private String reason = "";

    @Option(
            names = "--as",
            paramLabel = "NAME",
            defaultValue = "${env:USER:-operator}",
            description = "Who; your user name if not given.")
    private String actor = "operator";

    @Option(
            names = "--change-id",
            paramLabel = "ID",
            description = "The id of a change that stopped before its end, to continue it; a new one if not given.")
    @Nullable
    private String id;

    @Nullable
    private Change change;

    /** The same each time. */
    Change change() {
        Change known = change;
        if (known == null) {
            known = Change.by(actor, reason);
            known = id == null ? known : known.id(id);
            change = known;
        }
        return known;
    }

    Change change(@Nullable Long expected) {
        return expected == null ? change() : change().expecting(expected);
    }

    /** Prints how to continue a change that may stop before its end. */
    void announce(PrintWriter err, boolean quiet) {
        if (!quiet) {
            err.println("If this stops before its end, the same command with --change-id " + change().id()
                    + " continues it");
        }
    }
}
