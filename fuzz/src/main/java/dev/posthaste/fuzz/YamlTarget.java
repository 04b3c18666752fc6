package dev.posthaste.fuzz;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.relay.internal.RelaySettings;
import dev.posthaste.server.config.Config;
import dev.posthaste.server.config.ConfigException;
import dev.posthaste.server.config.ConfigReader;
import dev.posthaste.server.config.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A file becomes a configuration in which every value can be used, or a list of what is wrong with it. */
final class YamlTarget implements Target {
    private static final String SECRET = "hunter2-hunter2";
    private static final List<String> VALUES = List.of(
            "0ms",
            "1ms",
            "10s",
            "999999999999d",
            "999999999999ms",
            "106751991d",
            "99999999999h",
            "-1s",
            "1.5s",
            "7 d",
            "5M",
            "0B",
            "1B",
            "64MiB",
            "8589934592GiB",
            "17179869185GiB",
            "9223372036854775807",
            "99999999999999999999",
            "9007199254740993KiB",
            "forever",
            "standard",
            "mapped",
            "debezium",
            "raw",
            "cloudevents",
            "cloudevents-structured",
            "block",
            "skip",
            "fixed",
            "quadratic",
            "0.5",
            "1e-400",
            "NaN",
            "0x1p3",
            "1f",
            "true",
            "no",
            "on",
            "~",
            "null",
            "''",
            "\"\"",
            "{}",
            "[]",
            "[a, b]",
            "{a: b}",
            "${env:PW}",
            "${env:NONE}",
            "${env:}",
            "${file:/nowhere}",
            "${x:y}",
            "${env:PW}${env:PW}",
            "*a",
            "&a b",
            "!!int 5",
            "!!binary aGFsbG8=",
            "|\n      x",
            "orders",
            "shop",
            "kafka",
            "\"\\ud800\"",
            "\"\\0\"",
            "'a''b'",
            "*",
            "2001-01-01");
    private static final List<String> BASES = List.of("""
            name: here
            log: json
            databases:
              shop: {url: "jdbc:h2:mem:x;password=hunter2-hunter2", user: shop, password: "${env:PW}", leases-in: posthaste}
            brokers:
              rabbit: {url: "amqp://a:hunter2-hunter2@rabbit/shop", declare: true}
              kafka: {url: "kafka://k1:9092", client: {security.protocol: SSL}, producer: {linger.ms: 5}}
            outboxes:
              orders:
                database: shop
                broker: kafka
                route: {destination: orders, routing-key: o, group: g}
                types: [order.placed, order.refused]
                allowed-destinations: [other]
                tracked: true
                format: cloudevents
                source: /shop
                retry: {curve: exponential, base: 1s, ceiling: 10m, attempts: 8, jitter: 0.2}
                after-dead: block
                max-per-second: 100
                retention: {keep: 7d, delete-dead: true}
                consumed-within: 10m
                republish-unconsumed: true
                lag-limit: 5m
            receipts:
              - {broker: kafka, destination: receipts, group: r, retry: {curve: fixed, base: 5s, attempts: forever}}
            relay:
              lease: 15s
              publish-timeout: 5s
              poll-ceiling: 250ms
              batch: 100
              window: 1000
              window-bytes: 64MiB
              stop-timeout: 10s
              waiting-keys: 1000
            console:
              port: 8780
              secure: true
              hosts: [a.example]
              users:
                - {name: ada, password-hash: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA", role: operator}
              tokens:
                - {name: robot, hash: "sha256:%s", role: reader}
              trusted-proxy: {user-header: X-User, role-header: X-Role, from: [192.0.2.1]}
              mask: [card, customer.name]
            """.formatted("0".repeat(64)), """
            databases: {shop: {url: "jdbc:h2:mem:x"}}
            brokers: {kafka: {url: "kafka://k1:9092"}}
            outboxes:
              theirs:
                route: {destination: orders}
                table: shop.outbox
                mapped:
                  column.id: id
                  column.type: kind
                  column.payload: body
                  column.status: state
                  column.attempts: tries
                  column.next-attempt-at: due
                  status.pending: 0
                  status.published: 1
                  status.dead: 9
                  length.type: 40
                  zone: "+08:00"
                  due: now
            """, """
            databases: &d {shop: &s {url: "jdbc:h2:mem:x"}, other: *s}
            brokers: {rabbit: {url: "amqp://rabbit"}}
            outboxes:
              a: &o {database: shop, route: {destination: orders}}
              b: *o
            """);

    private final Path file;

    YamlTarget() throws IOException {
        file = Files.createTempFile("posthaste-fuzz-", ".yml");
    }

    @Override
    public String name() {
        return "yaml";
    }

    @Override
    public void close() throws IOException {
        Files.delete(file);
    }

    @Override
    public void run(Dice dice) throws IOException {
        byte[] yaml = dice.tried("yaml", yaml(dice));
        Files.write(file, yaml);
        long lines = EnvelopeTarget.text(yaml).lines().count();
        Config config;
        try {
            config = ConfigReader.read(file, Map.of("PW", SECRET));
        } catch (ConfigException e) {
            FindingException.unless(!e.problems().isEmpty(), "a refusal says what is wrong");
            for (Problem each : e.problems()) {
                FindingException.unless(!each.message().isBlank(), "a problem says something");
                FindingException.unless(
                        each.line() >= 0 && each.line() <= Math.max(lines, 1) * 4 + 1,
                        "a problem names an existing line, not " + each.line() + " of " + lines);
            }
            return;
        }
        String text = EnvelopeTarget.text(yaml);
        if (text.split(SECRET, -1).length <= 3
                && text.split("\\$\\{env:PW", -1).length <= 2
                && hasSecretsInPlace(text)) {
            FindingException.unless(!config.toString().contains(SECRET), "no configuration shows its secrets");
        }
        requireUsable(config);
    }

    private static boolean hasSecretsInPlace(String yaml) {
        return yaml.contains("x;password=" + SECRET)
                && yaml.contains("amqp://a:" + SECRET + "@rabbit")
                && yaml.contains(" password: \"${env:PW}\"");
    }

    private static byte[] yaml(Dice dice) {
        if (dice.oneIn(30)) {
            int levels = dice.pick(10, 100, 1_000, 20_000);
            return Dice.utf8(dice.pick("[", "{a: ", "- ", "a:\n ", "&a [").repeat(levels) + dice.pick("", "*a"));
        }
        List<String> lines = new ArrayList<>(dice.pick(BASES).lines().toList());
        for (int i = dice.below(4); i > 0; i--) {
            int at = dice.below(lines.size());
            String line = lines.get(at);
            switch (dice.below(6)) {
                case 0 -> lines.remove(at);
                case 1 -> lines.add(dice.below(lines.size() + 1), line);
                case 2 -> lines.set(at, dice.pick("", " ", "  ", "\t") + line);
                case 3 -> lines.set(at, line.stripLeading());
                default -> lines.set(at, withValue(dice, line));
            }
            if (lines.isEmpty()) {
                lines.add("");
            }
        }
        byte[] yaml = Dice.utf8(String.join(dice.oneIn(20) ? "\r" : "\n", lines) + "\n");
        return dice.oneIn(3) ? dice.mutated(yaml) : yaml;
    }

    /** Another value after one of the line's colons. */
    private static String withValue(Dice dice, String line) {
        String[] parts = line.split(": ", -1);
        int at = dice.below(parts.length);
        String value = dice.oneIn(4) ? dice.number() : dice.oneIn(6) ? dice.pieces(3) : dice.pick(VALUES);
        String rest = at == parts.length - 1 ? "" : parts[at].replaceFirst("^[^,}]*", "");
        parts[at] = at == 0 ? parts[at] : value + rest;
        return String.join(": ", parts);
    }

    /** What the daemon does with the configuration before it connects to anything. */
    private static void requireUsable(Config config) {
        RelaySettings relay = config.relay();
        FindingException.unless(relay.lease().toNanos() > 0, "a lease is longer than zero");
        FindingException.unless(relay.publishTimeout().toNanos() > 0, "the publish timeout is longer than zero");
        FindingException.unless(relay.pollCeiling().toNanos() > 0, "the poll ceiling is longer than zero");
        FindingException.unless(relay.stopTimeout().toNanos() >= 0, "the stop timeout is not negative");
        FindingException.unless(relay.windowBytes() > 0 && relay.window() >= relay.batch(), "a window holds a batch");
        config.receipts().forEach(each -> requireUsable(each.retry()));
        config.outboxes().values().forEach(each -> {
            OutboxDefinition policy = each.definition();
            requireUsable(policy.retry());
            FindingException.unless(policy.keep().toNanos() >= 0, "the retention time is not negative");
            FindingException.unless(policy.consumedWithin().toNanos() > 0, "the time to consume is longer than zero");
            FindingException.unless(policy.lagLimit().toNanos() >= 0, "the lag limit is not negative");
        });
        ConfigReader.catalog(List.copyOf(config.outboxes().values())
                .subList(0, Math.min(1, config.outboxes().size())));
    }

    private static void requireUsable(RetryPolicy retry) {
        for (int failures : new int[] {1, 2, 100, Integer.MAX_VALUE}) {
            FindingException.unless(
                    !retry.delay(failures, new Random(1)).isNegative(), "a retry delay is not negative");
        }
    }
}
