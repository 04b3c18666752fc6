package dev.posthaste.server;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.server.config.Config;
import dev.posthaste.server.config.Config.BrokerConfig;
import dev.posthaste.server.config.Config.ConsoleConfig;
import dev.posthaste.server.config.Config.DatabaseConfig;
import dev.posthaste.server.config.Config.OutboxConfig;
import dev.posthaste.server.config.Problem;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Connects to everything that a configuration names, and continues after a problem. */
public final class ConnectionCheck {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    private ConnectionCheck() {}

    /**
     * @param warnings receives what endangers the promises but does not prevent a start
     * @return what is wrong
     */
    public static List<Problem> connect(Config config, List<Problem> warnings) {
        List<Problem> problems = new ArrayList<>();
        for (DatabaseConfig database : config.databases().values()) {
            database(config, database, problems, warnings);
        }
        for (BrokerConfig broker : config.brokers().values()) {
            try {
                connect(broker);
            } catch (IllegalStateException e) {
                problems.add(new Problem(broker.line(), "broker " + broker + " cannot be used: " + e.getMessage()));
            }
        }
        console(config.console(), problems);
        return problems;
    }

    private static void database(
            Config config, DatabaseConfig database, List<Problem> problems, List<Problem> warnings) {
        Map<String, DatabaseConfig> alone = Map.of(database.name(), database);
        Map<String, OutboxConfig> its = new HashMap<>(config.outboxes());
        its.values().removeIf(outbox -> !outbox.database().equals(database.name()));
        Config part = new Config(
                config.name(), alone, Map.of(), its, List.of(), config.relay(), config.console(), config.jsonLog());
        try (Deployment deployment = Deployment.open(part)) {
            warnings.addAll(deployment.warnings());
            List<OutboxDefinition> all = deployment.config().outboxes().values().stream()
                    .map(OutboxConfig::definition)
                    .toList();
            for (OutboxConfig outbox : deployment.config().outboxes().values()) {
                List<OutboxDefinition> one = List.of(outbox.definition());
                DatabaseSchema.Findings findings =
                        DatabaseSchema.check(deployment.dataSource(database.name()), one, all, database.leases());
                findings.missing()
                        .forEach(missing -> add(problems, outbox.line(), missing + "; './posthaste init' creates it"));
                findings.faults().forEach(fault -> add(problems, outbox.line(), fault));
                findings.warnings().forEach(warning -> add(warnings, database.line(), warning));
            }
        } catch (Deployment.UnreachableException e) {
            problems.add(new Problem(database.line(), String.valueOf(e.getMessage())));
        } catch (SQLException e) {
            problems.add(new Problem(database.line(), "database " + database + ": " + e.getMessage()));
        }
    }

    private static void add(List<Problem> problems, int line, String message) {
        if (problems.stream().noneMatch(each -> each.message().equals(message))) {
            problems.add(new Problem(line, message));
        }
    }

    private static void connect(BrokerConfig broker) {
        if (broker.isKafka()) {
            broker.kafka().check(TIMEOUT);
        } else {
            broker.rabbit().check();
        }
    }

    /** The port may be in use, by the daemon that is checked; the address must be this machine's. */
    private static void console(ConsoleConfig console, List<Problem> problems) {
        if (console.enabled()) {
            try {
                new ServerSocket(0, 1, InetAddress.getByName(console.address())).close();
            } catch (IOException e) {
                problems.add(new Problem(
                        console.line(),
                        "'console.address' " + console.address() + " is not an address of this machine: "
                                + e.getMessage()));
            }
        }
    }
}
