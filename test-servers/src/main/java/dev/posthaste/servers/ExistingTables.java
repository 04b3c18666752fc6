package dev.posthaste.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** The tables of {@code examples/existing-tables}, as a user copies them. */
public enum ExistingTables {
    OUTBOX_EVENTS,
    AGENT_OUTBOX_MESSAGES;

    /** From a module's own directory. */
    private static final Path DIRECTORY = Path.of("../examples/existing-tables");

    private String read(String ending) {
        try {
            return Files.readString(DIRECTORY.resolve(table() + ending));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String table() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The description of its columns. */
    public String layout() {
        return read(".properties");
    }

    /** The statements of the script: first the table, then the row that its program writes. */
    private String[] script() {
        return read(".sql").replaceAll("(?m)^--.*$", "").strip().split(";\\s*(\\n|$)");
    }

    public void create(TestDatabase database) {
        database.execute(script()[0]);
    }

    /** What a program does that knows nothing of Posthaste. */
    public void insert(TestDatabase database) {
        database.execute(script()[1]);
    }
}
