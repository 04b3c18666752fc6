package dev.posthaste.server.config;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.jdbc.TableLayout;
import dev.posthaste.relay.OutboxPolicy;
import dev.posthaste.relay.RelaySettings;
import dev.posthaste.server.config.Config.BrokerConfig;
import dev.posthaste.server.config.Config.ConsoleConfig;
import dev.posthaste.server.config.Config.DatabaseConfig;
import dev.posthaste.server.config.Config.OutboxConfig;
import dev.posthaste.server.config.Config.ProxyConfig;
import dev.posthaste.server.config.Config.ReceiptsConfig;
import dev.posthaste.server.config.Config.Role;
import dev.posthaste.server.config.Config.TokenConfig;
import dev.posthaste.server.config.Config.UserConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;

/** Reads a configuration file and says everything that is wrong with it at once. */
public final class ConfigReader {
    private static final Duration LAG = Duration.ofMinutes(5);
    private static final int PORT = 8780;

    private final List<Problem> problems = new ArrayList<>();
    private final Secrets secrets;

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
        file.sections("outboxes").forEach((name, section) -> {
            OutboxConfig outbox = outbox(name, section, databases.keySet(), brokers);
            if (outbox != null) {
                outboxes.put(name, outbox);
            }
        });
        if (readable && !file.has("outboxes")) {
            file.problem(0, "it names no outbox; say under 'outboxes' what is to be relayed");
        }
        requireNoSharing(outboxes);
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
                console(file.section("console")),
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

    private DatabaseConfig database(String name, Section section) {
        String url = section.required("url");
        if (!url.isEmpty() && !url.startsWith("jdbc:")) {
            section.problem(section.line("url"), "'databases." + name + ".url' must begin with jdbc:");
        }
        return new DatabaseConfig(
                section.line(), name, url, section.text("user"), section.text("password"), section.text("leases-in"));
    }

    private BrokerConfig broker(String name, Section section) {
        String url = section.required("url");
        if (!url.isEmpty() && !url.matches("(amqps?|kafka)://.+")) {
            section.problem(
                    section.line("url"), "'brokers." + name + ".url' must begin with amqp://, amqps:// or kafka://");
        }
        return new BrokerConfig(
                section.line(),
                name,
                url,
                section.flag("declare", false),
                section.properties("client"),
                section.properties("producer"));
    }

    // --- Outboxes ----------------------------------------------------------------------------------------------------

    private @Nullable OutboxConfig outbox(
            String name, Section section, Set<String> databases, Map<String, BrokerConfig> brokers) {
        String database = oneOf(section, "database", databases);
        String broker = oneOf(section, "broker", brokers.keySet());
        TableLayout layout = layout(name, section);
        Route route = route(section.section("route"), section, name);
        Set<String> types = new LinkedHashSet<>(section.texts("types"));
        Set<String> allowed = new LinkedHashSet<>(section.texts("allowed-destinations"));
        boolean tracked = section.flag("tracked", false);
        BrokerConfig its = brokers.get(broker);
        MessageFormat format = format(section, its != null && its.isKafka());
        OutboxPolicy policy = policy(section);
        Duration lag = section.duration("lag-limit", LAG);
        if (layout == null || route == null) {
            return null;
        }
        // The daemon writes no events; a type that nobody names is as good as another.
        Set<String> named = types.isEmpty() ? Set.of("*") : types;
        OutboxDefinition definition =
                valid(section, () -> new OutboxDefinition(name, layout, route, named, allowed, tracked));
        return definition == null
                ? null
                : new OutboxConfig(section.line(), definition, database, broker, format, policy, lag);
    }

    private static MessageFormat format(Section section, boolean kafka) {
        String source = section.text("source");
        MessageFormat format = section.parsed(
                "format",
                MessageFormat.RAW,
                "raw, envelope, cloudevents or cloudevents-structured",
                word -> switch (word) {
                    case "raw" -> MessageFormat.RAW;
                    case "envelope" -> MessageFormat.ENVELOPE;
                    case "cloudevents" ->
                        source == null || source.isBlank()
                                ? MessageFormat.RAW
                                : kafka ? MessageFormat.cloudEvents(source) : MessageFormat.cloudEventsAmqp(source);
                    case "cloudevents-structured" ->
                        source == null || source.isBlank()
                                ? MessageFormat.RAW
                                : MessageFormat.cloudEventsStructured(source);
                    default -> null;
                });
        if (section.text("format", "raw").startsWith("cloudevents") && (source == null || source.isBlank())) {
            section.problem(
                    section.line("format"), "CloudEvents need a 'source': a URI reference that names who speaks");
        }
        return format;
    }

    /** The name of something that is configured above; may be left out when there is only one. */
    private static String oneOf(Section section, String key, Set<String> names) {
        String name = section.text(key);
        if (name == null) {
            if (names.size() == 1) {
                return names.iterator().next();
            }
            section.problem(section.line(), "'" + key + "' is missing; there are " + names);
            return "";
        }
        if (!names.contains(name)) {
            section.problem(section.line(key), "there is no " + key + " '" + name + "'; there are " + names);
        }
        return name;
    }

    private @Nullable TableLayout layout(String name, Section section) {
        Map<String, String> described = section.properties("mapped");
        String kind = section.parsed(
                "layout",
                described.isEmpty() ? "standard" : "mapped",
                "standard, debezium or mapped",
                word -> word.matches("standard|debezium|mapped") ? word : null);
        String table = section.text("table", name);
        boolean binary = section.flag("binary-payload", false);
        TableLayout layout = valid(section, () -> switch (kind) {
            case "standard" -> TableLayout.standard(table);
            case "debezium" -> TableLayout.debezium(table);
            default -> {
                Map<String, String> all = new LinkedHashMap<>(described);
                all.put("table", table);
                yield TableLayout.of(all);
            }
        });
        if (!kind.equals("mapped") && !described.isEmpty()) {
            section.problem(section.line("mapped"), "'mapped' describes a table whose layout is 'mapped', not " + kind);
        }
        return layout != null && binary ? layout.withBinaryPayload() : layout;
    }

    private @Nullable Route route(Section section, Section outbox, String name) {
        if (!outbox.has("route")) {
            outbox.problem(outbox.line(), "'outboxes." + name + ".route' is missing: where the events go");
            return null;
        }
        String destination = section.required("destination");
        String routingKey = section.text("routing-key");
        String group = section.text("group");
        return destination.isEmpty() ? null : valid(section, () -> new Route(destination, routingKey, group));
    }

    private OutboxPolicy policy(Section section) {
        OutboxPolicy fallback = OutboxPolicy.defaults();
        Section retention = section.section("retention");
        RetryPolicy retry = retry(section.section("retry"), fallback.retry());
        OutboxPolicy.AfterDead afterDead = section.choice("after-dead", fallback.afterDead());
        int most = section.number("max-per-second", fallback.maxPerSecond(), 0, 1_000_000);
        Duration keep = retention.duration("keep", fallback.keep());
        boolean deleteDead = retention.flag("delete-dead", fallback.deleteDead());
        Duration within = section.duration("consumed-within", fallback.consumedWithin());
        boolean republish = section.flag("republish-unconsumed", fallback.republishUnconsumed());
        OutboxPolicy policy =
                valid(section, () -> new OutboxPolicy(retry, afterDead, most, keep, deleteDead, within, republish));
        return policy == null ? fallback : policy;
    }

    private RetryPolicy retry(Section section, RetryPolicy fallback) {
        RetryPolicy.Curve curve = section.choice("curve", fallback.curve());
        RetryPolicy start = switch (curve) {
            case EXPONENTIAL -> RetryPolicy.exponential();
            case QUADRATIC -> RetryPolicy.quadratic();
            case FIXED -> RetryPolicy.fixed(Duration.ofSeconds(10), 8);
        };
        Duration base = section.duration("base", start.base());
        Duration ceiling = section.duration(
                "ceiling",
                curve == RetryPolicy.Curve.FIXED || base.compareTo(start.ceiling()) > 0 ? base : start.ceiling());
        int attempts = section.parsed(
                "attempts",
                start.attempts(),
                "a number from 1 on, or forever",
                word -> word.equals("forever") ? RetryPolicy.FOREVER : Integer.valueOf(word));
        double jitter = section.fraction("jitter", start.jitter());
        RetryPolicy policy =
                valid(section, () -> new RetryPolicy(start.name(), curve, base, ceiling, attempts, jitter));
        return policy == null ? fallback : policy;
    }

    private void requireNoSharing(Map<String, OutboxConfig> outboxes) {
        Map<String, OutboxConfig> tables = new LinkedHashMap<>();
        Map<String, OutboxConfig> types = new LinkedHashMap<>();
        for (OutboxConfig outbox : outboxes.values()) {
            String table = outbox.database() + " " + outbox.definition().table().table();
            OutboxConfig other = tables.putIfAbsent(table, outbox);
            if (other != null) {
                problems.add(new Problem(
                        outbox.line(),
                        "outboxes '" + other.name() + "' and '" + outbox.name() + "' share the table "
                                + outbox.definition().table().table()));
            }
            for (String type : outbox.definition().eventTypes()) {
                OutboxConfig owner = type.equals("*") ? null : types.putIfAbsent(type, outbox);
                if (owner != null) {
                    problems.add(new Problem(
                            outbox.line(),
                            "event type '" + type + "' belongs to outbox '" + owner.name() + "' and to '"
                                    + outbox.name() + "'"));
                }
            }
        }
    }

    /** The catalog of the outboxes of one database. */
    public static Catalog catalog(List<OutboxConfig> outboxes) {
        return Catalog.of(outboxes.stream()
                .map(each -> each.definition().eventTypes().contains("*")
                        ? withTypes(each.definition(), Set.of("* in " + each.name()))
                        : each.definition())
                .toArray(OutboxDefinition[]::new));
    }

    private static OutboxDefinition withTypes(OutboxDefinition of, Set<String> types) {
        return new OutboxDefinition(of.name(), of.table(), of.route(), types, of.allowedDestinations(), of.tracked());
    }

    private ReceiptsConfig receipts(Section section, Set<String> brokers) {
        String broker = oneOf(section, "broker", brokers);
        String destination = section.required("destination");
        String group = section.required("group");
        String routingKey = section.text("routing-key");
        Route route = destination.isEmpty() || group.isEmpty()
                ? null
                : valid(section, () -> new Route(destination, routingKey, group));
        RetryPolicy retry = retry(section.section("retry"), RetryPolicy.exponential());
        return new ReceiptsConfig(section.line(), broker, route == null ? Route.to("none") : route, retry);
    }

    // --- The daemon itself -------------------------------------------------------------------------------------------

    private RelaySettings relay(Section section) {
        RelaySettings fallback = RelaySettings.defaults();
        Duration lease = section.duration("lease", fallback.lease());
        Duration publish = section.duration("publish-timeout", fallback.publishTimeout());
        Duration poll = section.duration("poll-ceiling", fallback.pollCeiling());
        int batch = section.number("batch", fallback.batch(), 1, 100_000);
        int window = section.number("window", Math.max(batch, fallback.window()), 1, 1_000_000);
        long bytes = section.bytes("window-bytes", fallback.windowBytes());
        Duration stop = section.duration("stop-timeout", fallback.stopTimeout());
        int keys = section.number("waiting-keys", fallback.waitingKeys(), 1, Integer.MAX_VALUE / 4);
        RelaySettings settings =
                valid(section, () -> new RelaySettings(lease, publish, poll, batch, window, bytes, stop, keys));
        return settings == null ? fallback : settings;
    }

    private ConsoleConfig console(Section section) {
        String address = section.text("address", "127.0.0.1");
        List<UserConfig> users = new ArrayList<>();
        for (Section user : section.list("users")) {
            String hash = user.required("password-hash");
            if (!hash.isEmpty() && !hash.startsWith("$argon2id$")) {
                user.problem(
                        user.line("password-hash"),
                        "'password-hash' must be what './posthaste hash-password' prints: $argon2id$…");
            }
            users.add(new UserConfig(user.line(), user.required("name"), hash, user.choice("role", Role.VIEWER)));
        }
        List<TokenConfig> tokens = new ArrayList<>();
        for (Section token : section.list("tokens")) {
            String hash = token.required("hash");
            if (!hash.isEmpty() && !hash.matches("sha256:[0-9a-f]{64}")) {
                token.problem(
                        token.line("hash"),
                        "'hash' must be what './posthaste new-token' prints: sha256: and 64 digits");
            }
            tokens.add(new TokenConfig(token.line(), token.required("name"), hash, token.choice("role", Role.VIEWER)));
        }
        ProxyConfig proxy = section.has("trusted-proxy") ? proxy(section.section("trusted-proxy")) : null;
        ConsoleConfig console = new ConsoleConfig(
                section.line(),
                section.flag("enabled", true),
                address,
                section.number("port", PORT, 0, 65_535),
                section.flag("secure", false),
                new LinkedHashSet<>(section.texts("hosts")),
                users,
                tokens,
                proxy,
                new LinkedHashSet<>(section.texts("mask")),
                section.flag("open-metrics", false));
        requireLogin(section, console);
        return console;
    }

    private static ProxyConfig proxy(Section section) {
        Set<String> from = new LinkedHashSet<>(section.texts("from"));
        if (from.isEmpty()) {
            section.problem(
                    section.line(), "'from' is missing: the addresses of the proxy; others could claim anything");
        }
        return new ProxyConfig(
                section.line(),
                section.required("user-header"),
                section.text("role-header"),
                section.choice("role", Role.VIEWER),
                from);
    }

    /** Who opens the console to a network without a login opens every event and every button to everybody there. */
    private static void requireLogin(Section section, ConsoleConfig console) {
        boolean loopback;
        try {
            loopback = InetAddress.getByName(console.address()).isLoopbackAddress();
        } catch (UnknownHostException e) {
            section.problem(
                    section.line("address"), "'console.address' is no address of this machine: " + console.address());
            return;
        }
        if (console.enabled() && !loopback && !console.needsLogin()) {
            section.problem(
                    section.line("address"),
                    "'console.address' " + console.address()
                            + " can be reached by others, and nobody would have to log in; configure"
                            + " 'console.users', 'console.tokens' or 'console.trusted-proxy', or keep to 127.0.0.1");
        }
    }

    private static <T> @Nullable T valid(Section section, Supplier<T> value) {
        try {
            return value.get();
        } catch (IllegalArgumentException e) {
            section.problem(section.line(), Objects.requireNonNullElse(e.getMessage(), "it cannot be used"));
            return null;
        }
    }
}
