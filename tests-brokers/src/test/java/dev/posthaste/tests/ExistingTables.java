package dev.posthaste.tests;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.TableLayout;
import dev.posthaste.servers.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The tables of {@code examples/existing-tables}, as a user would copy them. */
enum ExistingTables {
    OUTBOX_EVENTS,
    AGENT_OUTBOX_MESSAGES;

    private static final Path DIRECTORY =
            Path.of("").toAbsolutePath().getParent().resolve("examples/existing-tables");

    private Path file(String ending) {
        return DIRECTORY.resolve(table() + ending);
    }

    String table() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }

    TableLayout layout() {
        try {
            return TableLayout.mapped(Files.readString(file(".properties")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    OutboxDefinition outbox(String name, Route route, String... types) {
        return OutboxDefinition.named(name)
                .route(route)
                .types(types)
                .table(table())
                .layout(layout());
    }

    /** The script's statements: first the table, then the row that its program writes. */
    String[] script() {
        try {
            return Files.readString(file(".sql"))
                    .replaceAll("(?m)^--.*$", "")
                    .strip()
                    .split(";\\s*(\\n|$)");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void create(TestDatabase database) {
        database.execute(script()[0]);
    }

    /** What a program that knows nothing of Posthaste does. */
    void insert(TestDatabase database) {
        database.execute(script()[1]);
    }
}
