package dev.posthaste.servers;

import java.util.Objects;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** A sequence of empty databases on a server of one kind. */
public final class FreshDatabases {
    private final Database kind;
    private @Nullable TestDatabase database;

    public FreshDatabases(Database kind) {
        this.kind = kind;
    }

    public Database kind() {
        return kind;
    }

    public DataSource create() {
        database = DatabaseServer.of(kind).createDatabase();
        return database.dataSource();
    }

    /** The most recently created database. */
    public TestDatabase current() {
        return Objects.requireNonNull(database, "no database was created");
    }

    public void drop() {
        current().close();
    }
}
