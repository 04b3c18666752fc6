package dev.posthaste.server.config;

import dev.posthaste.server.config.Config.ConsoleConfig;
import dev.posthaste.server.config.Config.ProxyConfig;
import dev.posthaste.server.config.Config.Role;
import dev.posthaste.server.config.Config.TokenConfig;
import dev.posthaste.server.config.Config.UserConfig;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Reads the console's part of a configuration file: where it listens, and who may do what. */
final class ConsoleReader {
    private static final int PORT = 8780;

    private ConsoleReader() {}

    static ConsoleConfig read(Section section) {
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

    /** Opening the console to a network without a login opens every event and every button to everyone there. */
    private static void requireLogin(Section section, ConsoleConfig console) {
        boolean loopback;
        try {
            loopback = InetAddress.getByName(console.address()).isLoopbackAddress();
        } catch (UnknownHostException e) {
            section.problem(
                    section.line("address"),
                    "'console.address' is not an address of this machine: " + console.address());
            return;
        }
        if (console.enabled() && !loopback && !console.needsLogin()) {
            section.problem(
                    section.line("address"),
                    "'console.address' " + console.address() + " can be reached by others, without a login; configure"
                            + " 'console.users', 'console.tokens' or 'console.trusted-proxy', or use 127.0.0.1");
        }
    }
}
