package dev.posthaste.server.cli;

import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.server.Deployment;
import dev.posthaste.server.config.Config.DatabaseConfig;
import dev.posthaste.server.config.Config.OutboxConfig;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "init",
        mixinStandardHelpOptions = true,
        description = "Prints the SQL that creates what the configured outboxes need, or runs it with --apply.")
final class InitCommand extends DeploymentCommand {
    @Option(names = "--apply", description = "Create what is missing. What exists stays as it is.")
    private boolean apply;

    @Option(names = "--database", description = "Only this database.")
    private String only = "";

    @Override
    int run(Deployment open) throws SQLException {
        if (!only.isEmpty() && !open.config().databases().containsKey(only)) {
            throw wrong("No database is named '" + only + "'; the databases are "
                    + String.join(", ", open.config().databases().keySet()));
        }
        for (DatabaseConfig database : open.config().databases().values()) {
            if (!only.isEmpty() && !only.equals(database.name())) {
                continue;
            }
            List<OutboxConfig> outboxes = open.config().outboxes().values().stream()
                    .filter(outbox -> outbox.database().equals(database.name()))
                    .toList();
            if (apply) {
                apply(open, database, outboxes);
                out().println("Database " + database + " has what it needs");
            } else {
                print(open, database, outboxes);
            }
        }
        return ExitCodes.OK;
    }

    private static void apply(Deployment open, DatabaseConfig database, List<OutboxConfig> outboxes)
            throws SQLException {
        if (database.leases() != null) {
            DatabaseSchema.createLeases(open.dataSource(database.name()), database.leases());
        } else {
            DatabaseSchema.create(
                    open.dataSource(database.name()),
                    outboxes.stream().map(OutboxConfig::definition).toList());
        }
    }

    private void print(Deployment open, DatabaseConfig database, List<OutboxConfig> outboxes) throws SQLException {
        try (Connection connection = open.dataSource(database.name()).getConnection()) {
            DatabaseSchema schema = new DatabaseSchema(Dialect.of(connection));
            out().println("-- Database " + database);
            out().println(schema.script(
                    outboxes.stream().map(OutboxConfig::definition).toList()));
        }
    }
}
