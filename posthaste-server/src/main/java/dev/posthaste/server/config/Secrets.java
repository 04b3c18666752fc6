package dev.posthaste.server.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Replaces {@code ${env:NAME}} and {@code ${file:/path}} by their values, so that the file needs no secrets. */
record Secrets(Map<String, String> environment) {
    private static final Pattern REFERENCE = Pattern.compile("\\$\\{([a-z]+):([^}]+)}");

    /** @throws IllegalArgumentException if something does not exist; names it, never its value */
    String resolve(String text) {
        Matcher matcher = REFERENCE.matcher(text);
        StringBuilder resolved = new StringBuilder();
        while (matcher.find()) {
            matcher.appendReplacement(resolved, Matcher.quoteReplacement(value(matcher.group(1), matcher.group(2))));
        }
        return matcher.appendTail(resolved).toString();
    }

    private String value(String kind, String name) {
        if (kind.equals("env")) {
            String value = environment.get(name);
            if (value == null) {
                throw new IllegalArgumentException("the environment has no " + name);
            }
            return value;
        }
        if (kind.equals("file")) {
            try {
                return Files.readString(Path.of(name)).strip();
            } catch (IOException | RuntimeException e) {
                throw new IllegalArgumentException("cannot read the file " + name);
            }
        }
        throw new IllegalArgumentException("there is no ${" + kind + ":…}; use ${env:NAME} or ${file:/path}");
    }
}
