package dev.posthaste.server.config;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.relay.internal.RelaySettings;
import dev.posthaste.server.config.Config.BrokerConfig;
import dev.posthaste.server.config.Config.DatabaseConfig;
import dev.posthaste.server.config.Config.OutboxConfig;
import dev.posthaste.server.config.Config.ReceiptsConfig;
import dev.posthaste.server.config.Config.TopicsConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;

/** Reads a configuration file and reports everything that is wrong with it together. */
public final class ConfigReader {
    private final List<Problem> problems = new ArrayList<>();
    private final Secrets secrets;

    private static final int KAFKA_PREFETCH = 500;
    private static final int RABBIT_PREFETCH = 1_000;
    private static final int MAX_PREFETCH = 65_535;
    private static final int MAX_PARTITIONS = 10_000;
    private static final int MAX_REPLICAS = 100;

    private ConfigReader(Map<String, String> environment) {
        this.secrets = new Secrets(environment);
    }

    /**
     * @param environment what {@code ${env:NAME}} stands for
     * @throws ConfigException if the file cannot be read or anything in it is wrong
     */
    public static Config read(Path file, Map<String, String> environment) {
        String text;
        try {
            text = Files.readString(file);
        } catch (IOException e) {
            throw new ConfigException(file.toString(), List.of(new Problem(0, "cannot be read: " + reason(e))));
        }
        ConfigReader reader = new ConfigReader(environment);
        Config config = reader.read(text);
        if (!reader.problems.isEmpty()) {
            reader.problems.sort(Comparator.comparingInt(Problem::line));
            throw new ConfigException(file.toString(), reader.problems);
        }
        return config;
    }

    private static String reason(IOException e) {
        return e instanceof java.nio.file.NoSuchFileException
                ? "there is no such file"
                : String.valueOf(e.getMessage());
    }

    private Config read(String text) {
        Node root = null;
        try {
            LoadSettings settings =
                    LoadSettings.builder().setMaxAliasesForCollections(20).build();
            root = new Compose(settings).composeString(text).orElse(null);
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(0);
            problems.add(new Problem(line, "this is not YAML: " + e.getProblem()));
        } catch (YamlEngineException e) {
            problems.add(new Problem(0, "this is not YAML: " + e.getMessage()));
        } catch (StackOverflowError e) {
            problems.add(new Problem(0, "its values are nested too deeply to be read"));
        }
        boolean readable = problems.isEmpty();
        Section file = new Section("", root, 0, problems, secrets);
        Map<String, DatabaseConfig> databases = new LinkedHashMap<>();
        file.sections("databases").forEach((name, section) -> databases.put(name, database(name, section)));
        Map<String, BrokerConfig> brokers = new LinkedHashMap<>();
        file.sections("brokers").forEach((name, section) -> brokers.put(name, broker(name, section)));
        Map<String, OutboxConfig> outboxes = new LinkedHashMap<>();
        OutboxReader outboxReader = new OutboxReader(databases.keySet(), brokers);
        file.sections("outboxes").forEach((name, section) -> {
            OutboxConfig outbox = outboxReader.read(name, section);
            if (outbox != null) {
                outboxes.put(name, outbox);
            }
        });
        if (readable && !file.has("outboxes")) {
            file.problem(0, "it names no outbox; list under 'outboxes' what is to be relayed");
        }
        OutboxReader.requireNoSharing(file, outboxes.values());
        List<ReceiptsConfig> receipts = new ArrayList<>();
        for (Section section : file.list("receipts")) {
            receipts.add(receipts(section, brokers.keySet()));
        }
        if (!receipts.isEmpty()
                && outboxes.values().stream()
                        .noneMatch(each -> each.definition().tracked())) {
            file.problem(file.line("receipts"), "receipts are read, but no outbox is 'tracked'");
        }
        Config config = new Config(
                file.text("name", defaultName()),
                databases,
                brokers,
                outboxes,
                receipts,
                relay(file.section("relay")),
                ConsoleReader.read(file.section("console")),
                file.parsed("log", "human", "human or json", word -> word.matches("human|json") ? word : null)
                        .equals("json"));
        file.reportUnknown();
        return config;
    }

    private static String defaultName() {
        String host;
        try {
            host = InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            host = "daemon";
        }
        String name = host + "-" + ProcessHandle.current().pid();
        return name.length() > 100 ? name.substring(name.length() - 100) : name;
    }

    private static DatabaseConfig database(String name, Section section) {
        String url = section.required("url");
        if (!url.isEmpty() && !url.startsWith("jdbc:")) {
            section.problem(section.line("url"), "'databases." + name + ".url' must begin with jdbc:");
        }
        return new DatabaseConfig(
                section.line(), name, url, section.text("user"), section.text("password"), section.text("leases-in"));
    }

    private static BrokerConfig broker(String name, Section section) {
        String url = section.required("url");
        BrokerConfig broker = new BrokerConfig(
                section.line(),
                name,
                url,
                section.flag("declare", false),
                section.number(
                        "prefetch", url.startsWith("kafka:") ? KAFKA_PREFETCH : RABBIT_PREFETCH, 1, MAX_PREFETCH),
                section.has("create-topics") ? topics(section.section("create-topics")) : null,
                section.properties("client"),
                section.properties("producer"));
        if (url.matches("(amqps?|kafka)://.+")) {
            section.valid(() -> broker.isKafka() ? broker.kafka() : broker.rabbit());
            for (String key : broker.isKafka() ? List.of("declare") : List.of("client", "producer", "create-topics")) {
                if (section.has(key)) {
                    section.problem(
                            section.line(key),
                            "'brokers." + name + "." + key + "' is for " + (broker.isKafka() ? "RabbitMQ" : "Kafka"));
                }
            }
        } else if (!url.isEmpty()) {
            section.problem(
                    section.line("url"), "'brokers." + name + ".url' must begin with amqp://, amqps:// or kafka://");
        }
        return broker;
    }

    private static TopicsConfig topics(Section section) {
        section.required("partitions");
        return new TopicsConfig(
                section.number("partitions", 1, 1, MAX_PARTITIONS), section.number("replicas", -1, 1, MAX_REPLICAS));
    }

    private static ReceiptsConfig receipts(Section section, Set<String> brokers) {
        String broker = section.oneOf("broker", brokers);
        Route route = OutboxReader.route(section, true);
        RetryPolicy retry = OutboxReader.retry(section.section("retry"), RetryPolicy.exponential());
        return new ReceiptsConfig(section.line(), broker, route == null ? Route.to("none") : route, retry);
    }

    private static RelaySettings relay(Section section) {
        RelaySettings fallback = RelaySettings.defaults();
        Duration lease = section.duration("lease", fallback.lease());
        Duration publish = section.duration("publish-timeout", fallback.publishTimeout());
        Duration poll = section.duration("poll-ceiling", fallback.pollCeiling());
        int batch = section.number("batch", fallback.batch(), 1, RelaySettings.MAX_BATCH);
        int window = section.number("window", Math.max(batch, fallback.window()), 1, RelaySettings.MAX_WINDOW);
        long bytes = section.bytes("window-bytes", fallback.windowBytes());
        Duration stop = section.duration("stop-timeout", fallback.stopTimeout());
        int keys = section.number("waiting-keys", fallback.waitingKeys(), 1, RelaySettings.MAX_WAITING_KEYS);
        RelaySettings settings =
                section.valid(() -> new RelaySettings(lease, publish, poll, batch, window, bytes, stop, keys));
        return settings == null ? fallback : settings;
    }

    /** The catalog of the outboxes of one database. */
    public static Catalog catalog(List<OutboxConfig> outboxes) {
        return Catalog.of(outboxes.stream().map(OutboxConfig::definition).toArray(OutboxDefinition[]::new));
    }
}
