package dev.posthaste.server.config;

import dev.posthaste.AfterDead;
import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.TableLayout;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.server.config.Config.BrokerConfig;
import dev.posthaste.server.config.Config.OutboxConfig;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Reads the outboxes of a configuration file: what their tables look like, where events go, and how they are relayed. */
final class OutboxReader {
    private final Set<String> databases;
    private final Map<String, BrokerConfig> brokers;

    OutboxReader(Set<String> databases, Map<String, BrokerConfig> brokers) {
        this.databases = databases;
        this.brokers = brokers;
    }

    /** Null if its table or its route is wrong, which has then been reported. */
    @Nullable
    OutboxConfig read(String name, Section section) {
        String database = section.oneOf("database", databases);
        String broker = section.oneOf("broker", brokers.keySet());
        TableLayout layout = layout(section);
        String table = section.text("table");
        Route route = route(section.section("route"), section, name);
        Set<String> types = new LinkedHashSet<>(section.texts("types"));
        Set<String> allowed = new LinkedHashSet<>(section.texts("allowed-destinations"));
        boolean tracked = section.flag("tracked", false);
        BrokerConfig its = brokers.get(broker);
        MessageFormat format = format(section, its != null && its.isKafka());
        UnaryOperator<OutboxDefinition> policy = policy(section);
        if (layout == null || route == null) {
            return null;
        }
        OutboxDefinition definition = section.valid(() -> Catalog.empty()
                .outbox(
                        name,
                        o -> policy.apply((table == null ? o : o.table(table))
                                .layout(layout)
                                .route(route)
                                .types(types.toArray(String[]::new))
                                .allowedDestinations(allowed.toArray(String[]::new))
                                .format(format)
                                .tracked(tracked)))
                .outbox(name));
        return definition == null ? null : new OutboxConfig(section.line(), definition, database, broker);
    }

    /** In Kafka's words (topic, group), in RabbitMQ's (exchange, routing-key, queue), or neutral ones. Null if it is wrong. */
    static @Nullable Route route(Section section, boolean groupRequired) {
        String destination = section.requiredNamed("destination", "topic", "exchange");
        String routingKey = section.text("routing-key");
        String group = groupRequired ? section.requiredNamed("group", "queue") : section.named("group", "queue");
        if (destination.isEmpty() || (groupRequired && (group == null || group.isEmpty()))) {
            return null;
        }
        return section.valid(() -> {
            Route route = Route.to(destination);
            route = routingKey == null ? route : route.routingKey(routingKey);
            return group == null ? route : route.group(group);
        });
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
                    section.line("format"), "CloudEvents need a 'source': a URI reference that names the producer");
        }
        return format;
    }

    private static @Nullable TableLayout layout(Section section) {
        Map<String, String> described = section.properties("mapped");
        String kind = section.parsed(
                "layout",
                described.isEmpty() ? "standard" : "mapped",
                "standard, debezium or mapped",
                word -> word.matches("standard|debezium|mapped") ? word : null);
        boolean binary = section.flag("binary-payload", false);
        TableLayout layout = section.valid(() -> switch (kind) {
            case "standard" -> TableLayout.standard();
            case "debezium" -> TableLayout.debezium();
            default -> TableLayout.mapped(EventTable.text(described));
        });
        if (!kind.equals("mapped") && !described.isEmpty()) {
            section.problem(section.line("mapped"), "'mapped' describes a table whose layout is 'mapped', not " + kind);
        }
        return layout != null && binary ? layout.binaryPayload(true) : layout;
    }

    private static @Nullable Route route(Section section, Section outbox, String name) {
        if (!outbox.has("route")) {
            outbox.problem(outbox.line(), "'outboxes." + name + ".route' is missing: where the events go");
            return null;
        }
        return route(section, false);
    }

    private static UnaryOperator<OutboxDefinition> policy(Section section) {
        OutboxDefinition fallback = OutboxDefinition.named("fallback");
        Section retention = section.section("retention");
        RetryPolicy retry = retry(section.section("retry"), fallback.retry());
        AfterDead afterDead = section.choice("after-dead", fallback.afterDead());
        int most = section.number("max-per-second", fallback.maxPerSecond(), 0, 1_000_000);
        Duration keep = retention.duration("keep", fallback.keep());
        boolean deleteDead = retention.flag("delete-dead", fallback.deleteDead());
        Duration within = section.duration("consumed-within", fallback.consumedWithin());
        boolean republish = section.flag("republish-unconsumed", fallback.republishUnconsumed());
        Duration lag = section.duration("lag-limit", fallback.lagLimit());
        return o -> o.retry(retry)
                .afterDead(afterDead)
                .maxPerSecond(most)
                .keep(keep)
                .deleteDead(deleteDead)
                .consumedWithin(within)
                .republishUnconsumed(republish)
                .lagLimit(lag);
    }

    /** As in outboxes and receipts. */
    static RetryPolicy retry(Section section, RetryPolicy fallback) {
        RetryPolicy.Curve curve = section.choice("curve", fallback.curve());
        RetryPolicy start = switch (curve) {
            case EXPONENTIAL -> RetryPolicy.exponential();
            case QUADRATIC -> RetryPolicy.quadratic();
            case FIXED -> RetryPolicy.fixed(Duration.ofSeconds(10)).attempts(8);
        };
        Duration base = section.duration("base", start.base());
        Duration ceiling = section.duration(
                "ceiling",
                curve == RetryPolicy.Curve.FIXED || base.compareTo(start.ceiling()) > 0 ? base : start.ceiling());
        int attempts = section.parsed(
                "attempts",
                start.attempts(),
                "a number from 1 on, or forever",
                word -> word.equals("forever") ? Integer.MAX_VALUE : Integer.valueOf(word));
        double jitter = section.fraction("jitter", start.jitter());
        RetryPolicy policy = section.valid(
                () -> retry(curve, base, ceiling).attempts(attempts).jitter(jitter));
        return policy == null ? fallback : policy;
    }

    private static RetryPolicy retry(RetryPolicy.Curve curve, Duration base, Duration ceiling) {
        return switch (curve) {
            case EXPONENTIAL -> RetryPolicy.exponential(base, ceiling);
            case QUADRATIC -> RetryPolicy.quadratic(base, ceiling);
            case FIXED -> RetryPolicy.fixed(base);
        };
    }

    /** Two outboxes of one table, or of one event type, are a mistake. */
    static void requireNoSharing(Section file, Collection<OutboxConfig> outboxes) {
        Map<String, OutboxConfig> tables = new LinkedHashMap<>();
        Map<String, OutboxConfig> types = new LinkedHashMap<>();
        for (OutboxConfig outbox : outboxes) {
            String table = outbox.database() + " " + outbox.definition().table();
            OutboxConfig other = tables.putIfAbsent(table, outbox);
            if (other != null) {
                file.problem(
                        outbox.line(),
                        "outboxes '" + other.name() + "' and '" + outbox.name() + "' share the table "
                                + outbox.definition().table());
            }
            for (String type : outbox.definition().types()) {
                OutboxConfig owner = types.putIfAbsent(type, outbox);
                if (owner != null) {
                    file.problem(
                            outbox.line(),
                            "event type '" + type + "' belongs to outbox '" + owner.name() + "' and to '"
                                    + outbox.name() + "'");
                }
            }
        }
    }
}
