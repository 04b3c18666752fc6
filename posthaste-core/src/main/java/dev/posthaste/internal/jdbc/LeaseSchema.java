package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.names.Names;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The schema that holds {@code posthaste_lease}, {@code posthaste_relay} and {@code posthaste_audit}. Statements on them have
 * {@code {schema}} before a table's name, in addition to the placeholders of {@link Dialect}. Thread-safe.
 */
final class LeaseSchema {
    private final Dialect dialect;
    private final String prefix;
    private final Map<String, String> texts = new ConcurrentHashMap<>();

    /** @param name on MySQL and MariaDB a database; null for the connection's own */
    LeaseSchema(Dialect dialect, @Nullable String name) {
        this.dialect = dialect;
        this.prefix = name == null ? "" : dialect.quoteTable(Names.requireTable(name)) + ".";
    }

    /** The statement that a template describes. There are few templates, so they are cached. */
    String text(String template) {
        return texts.computeIfAbsent(template, this::expand);
    }

    /** Like {@link #text}, for a template that is made for one call. */
    String expand(String template) {
        return dialect.sql(template.replace("{schema}", prefix));
    }
}
