package dev.posthaste.server;

import com.rabbitmq.client.ConnectionFactory;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.jdbc.Schema;
import dev.posthaste.server.config.Config;
import dev.posthaste.server.config.Config.BrokerConfig;
import dev.posthaste.server.config.Config.DatabaseConfig;
import dev.posthaste.server.config.Config.OutboxConfig;
import dev.posthaste.server.config.Problem;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.AdminClient;
import org.jspecify.annotations.Nullable;

/** Connects to everything that a configuration names, and goes on after what is wrong. */
public final class Check {
    private static final int TIMEOUT_MILLIS = 5_000;

    private Check() {}

    /**
     * @param warnings gets what endangers the promises but stops nobody
     * @return what is wrong
     */
    public static List<Problem> connect(Config config, List<Problem> warnings) {
        List<Problem> problems = new ArrayList<>();
        for (DatabaseConfig database : config.databases().values()) {
            database(config, database, problems, warnings);
        }
        for (BrokerConfig broker : config.brokers().values()) {
            String reason = broker.isKafka() ? kafka(broker) : rabbit(broker);
            if (reason != null) {
                problems.add(new Problem(broker.line(), "broker " + broker + " cannot be reached: " + reason));
            }
        }
        return problems;
    }

    private static void database(
            Config config, DatabaseConfig database, List<Problem> problems, List<Problem> warnings) {
        Map<String, DatabaseConfig> alone = Map.of(database.name(), database);
        Map<String, OutboxConfig> its = new HashMap<>(config.outboxes());
        its.values().removeIf(outbox -> !outbox.database().equals(database.name()));
        Config part = new Config(
                config.name(), alone, Map.of(), its, List.of(), config.relay(), config.console(), config.jsonLog());
        try (Site site = Site.open(part)) {
            for (OutboxConfig outbox : its.values()) {
                List<OutboxDefinition> one = List.of(outbox.definition());
                Schema.Findings findings = Schema.check(site.dataSource(database.name()), one, database.leases());
                findings.missing()
                        .forEach(missing -> add(problems, outbox.line(), missing + "; './posthaste init' makes it"));
                findings.faults().forEach(fault -> add(problems, outbox.line(), fault));
                findings.warnings().forEach(warning -> add(warnings, database.line(), warning));
            }
        } catch (Site.Unreachable e) {
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

    private static @Nullable String rabbit(BrokerConfig broker) {
        try {
            ConnectionFactory factory = new ConnectionFactory();
            factory.setUri(broker.url());
            factory.setConnectionTimeout(TIMEOUT_MILLIS);
            factory.setHandshakeTimeout(TIMEOUT_MILLIS);
            factory.newConnection("posthaste-check").close();
            return null;
        } catch (Exception e) {
            return reason(e);
        }
    }

    private static @Nullable String kafka(BrokerConfig broker) {
        Map<String, Object> settings = new HashMap<>(broker.client());
        settings.put("bootstrap.servers", broker.url().substring("kafka://".length()));
        settings.put("request.timeout.ms", TIMEOUT_MILLIS);
        settings.put("default.api.timeout.ms", TIMEOUT_MILLIS);
        try (AdminClient client = AdminClient.create(settings)) {
            client.describeCluster().clusterId().get(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
            return null;
        } catch (ExecutionException e) {
            return reason(e.getCause() == null ? e : e.getCause());
        } catch (TimeoutException e) {
            return "no answer within " + TIMEOUT_MILLIS / 1000 + " s";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        } catch (RuntimeException e) {
            return reason(e.getCause() == null ? e : e.getCause());
        }
    }

    private static String reason(Throwable e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }
}
