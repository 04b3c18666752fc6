package dev.posthaste.server.cli;

import dev.posthaste.admin.Change;
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

    Change change() {
        return Change.by(actor, reason);
    }
}
